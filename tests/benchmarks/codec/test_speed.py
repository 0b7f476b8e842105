"""The benchmark of encoding and decoding, at tiny size."""

from benchmarks.codec import speed


def test_codec_speed_compares_with_the_transform_codec(run):
    sizes = ("--preset", "tiny", "--batch", "4", "--threads", "1", "--rounds", "1")
    printed = run(speed, *sizes)
    assert "encoding" in printed and "decoding" in printed and "PCA + DCT" in printed
