"""Skeleton and style sheet of a report's page: no script, no font or picture from elsewhere, prints on A4."""

from string import Template

STYLE = """
:root { --ink: #1f2328; --soft: #5b626b; --rule: #d5d9de; --faint: #f5f6f7; --accent: #0a58a8;
  --gain: #12694a; --gain-paper: #e3f3ec; --harm: #9a3412; --harm-paper: #fbeae2; }
* { box-sizing: border-box; }
html { background: #fff; -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 1100px; padding: 48px 30px 72px; color: var(--ink); background: #fff;
  font: 16px/1.55 -apple-system, "Segoe UI", "Helvetica Neue", Helvetica, Arial, sans-serif; }
h1 { font-size: 32px; line-height: 1.2; font-weight: 650; letter-spacing: -0.015em; margin: 0 0 10px; }
h2 { font-size: 22px; line-height: 1.3; font-weight: 650; letter-spacing: -0.01em; margin: 64px 0 14px;
  padding-top: 14px; border-top: 2px solid var(--ink); }
h3 { font-size: 16px; font-weight: 650; margin: 34px 0 8px; }
p, ul { max-width: 46em; margin: 0 0 12px; }
ul { padding-left: 1.2em; }
li { margin-bottom: 5px; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.about { color: var(--soft); margin: 0 0 2px; }
nav { margin: 22px 0 0; padding: 10px 0; border-top: 1px solid var(--rule); border-bottom: 1px solid var(--rule);
  font-size: 14px; display: flex; flex-wrap: wrap; gap: 4px 22px; }
nav + h2 { border-top: 0; margin-top: 30px; padding-top: 0; }
.pair { display: flex; flex-wrap: wrap; gap: 0 48px; align-items: flex-start; margin-bottom: 12px; }
.pair figure { margin: 0 0 8px; }
dl.keys { display: grid; grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); gap: 18px 28px;
  margin: 22px 0 26px; }
dl.keys div { border-left: 3px solid var(--rule); padding-left: 12px; }
dl.keys dt { font-size: 13px; color: var(--soft); line-height: 1.35; }
dl.keys dd { margin: 0; font-size: 22px; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; }
dl.keys dd small { display: block; font-size: 13px; font-weight: 400; color: var(--soft); line-height: 1.35; }
dl.settings { display: grid; grid-template-columns: max-content 1fr; gap: 3px 20px; font-size: 14px;
  margin: 8px 0 16px; }
dl.settings dt { color: var(--soft); }
dl.settings dd { margin: 0; }
.scroll { overflow-x: auto; margin: 10px 0 22px; }
table { border-collapse: collapse; font-size: 14px; line-height: 1.4; font-variant-numeric: tabular-nums lining-nums; }
.caption, figcaption { font-size: 14px; line-height: 1.45; color: var(--soft); max-width: 56em; margin: 0 0 8px; }
th, td { padding: 5px 14px 5px 0; text-align: left; vertical-align: top; }
th + th, td + td, th + td { padding-left: 14px; }
table.wide { font-size: 13px; }
table.wide th, table.wide td { padding-left: 4px; padding-right: 4px; }
table.wide thead th { font-size: 12px; }
table.wide tr > :first-child { padding-left: 0; }
table.wide .start { padding-left: 14px; }
thead th { font-weight: 600; color: var(--soft); border-bottom: 1.5px solid var(--ink); vertical-align: bottom;
  font-size: 13px; }
thead tr.over th { border-bottom: 1px solid var(--rule); color: var(--ink); }
tbody th { font-weight: 400; }
tbody td, tbody th { border-bottom: 1px solid #eceef0; }
tbody tr:last-child > * { border-bottom: 1.5px solid var(--rule); }
tbody tr.strong > * { font-weight: 600; }
tbody tr.group > th { font-weight: 600; padding-top: 16px; border-bottom: 1px solid var(--rule); }
.number { text-align: right; white-space: nowrap; }
figure { margin: 16px 0 28px; }
figure svg { display: block; max-width: 100%; height: auto; }
figure.sheet svg { border: 1px solid #f0d5d0; }
.chip { display: inline-block; border-radius: 3px; padding: 1px 7px; font-size: 13px; font-weight: 600;
  white-space: nowrap; }
.gain { color: var(--gain); background: var(--gain-paper); }
.harm { color: var(--harm); background: var(--harm-paper); }
.none { color: var(--soft); font-weight: 400; padding: 1px 0; }
.verdicts { display: grid; grid-template-columns: repeat(auto-fit, minmax(330px, 1fr)); gap: 14px 22px;
  margin: 20px 0 22px; }
.verdicts > div { border-left: 4px solid; border-radius: 3px; padding: 12px 18px; font-size: 14px; }
.verdicts h3 { margin: 0 0 6px; font-size: 18px; }
.verdicts ul, .verdicts p { margin-bottom: 0; color: var(--ink); font-variant-numeric: tabular-nums; }
.verdicts .quiet { color: var(--soft); background: var(--faint); border-color: var(--rule); }
.missing { color: var(--soft); background: var(--faint); padding: 10px 14px; border-left: 3px solid var(--rule); }
.soft { color: var(--soft); }
details { margin: 14px 0; font-size: 14px; }
summary { cursor: pointer; color: var(--accent); }
pre { background: var(--faint); padding: 12px 16px; overflow-x: auto; margin: 8px 0;
  font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; }
footer { margin-top: 64px; padding-top: 12px; border-top: 1px solid var(--rule); font-size: 13px; color: var(--soft); }
@media print {
  @page { size: A4; margin: 14mm 13mm; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  h2, h3, .caption, figcaption { break-after: avoid; }
  figure, tr, dl.keys div, .verdicts > div { break-inside: avoid; }
  h2 { margin-top: 28px; }
  table, .caption, figcaption, dl.settings { font-size: 8.5pt; }
  th, td { padding-top: 3px; padding-bottom: 3px; }
  thead th, .chip { font-size: inherit; }
  table.wide, table.wide thead th { font-size: 7pt; }
  table.wide th, table.wide td { padding-left: 2px; padding-right: 2px; }
  table.wide .start { padding-left: 8px; }
  .verdicts { grid-template-columns: 1fr 1fr; }
  .scroll { overflow: visible; }
  footer { margin-top: 16px; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""

PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
$body
</body>
</html>
""")
