"""Reports: self-contained pages, figures, and ECG paper."""

if __name__ != "vqecg.reports":
    raise ImportError(
        "this folder is the package vqecg.reports: install the checkout (pip install -e .) "
        "and import vqecg.reports, not reports"
    )
