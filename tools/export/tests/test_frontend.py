"""The front end against numpy's Fourier transform and `transformers`' mel filters."""

import numpy as np
import pytest
import torch

from dyad_export import golden
from dyad_export.frontend import LogMel, cubic_taps, mel_filters


@pytest.mark.parametrize(("htk", "norm"), [(False, True), (True, False)])
def test_filters_are_those_of_transformers(htk, norm):
    from transformers.audio_utils import mel_filter_bank

    theirs = mel_filter_bank(513, 64, 50.0, 14_000.0, 48_000, norm="slaney" if norm else None, mel_scale="htk" if htk else "slaney")
    ours = mel_filters(48_000, 1024, 64, 50.0, 14_000.0, htk, norm)
    assert np.abs(theirs - ours).max() < 1e-7


def test_muscall_has_empty_bands():
    filters = mel_filters(16_000, 1024, 128, 0.0, 11_025.0, htk=True, slaney_norm=False)
    assert (~filters.any(axis=0)).sum() == 12


def log_mel_by_fft(row, filters, n_fft, hop, scale, top_db):
    padded = np.pad(row.astype(np.float64), n_fft // 2, mode="reflect")
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)) * scale
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop] * window
    db = 10 * np.log10(np.maximum(np.abs(np.fft.rfft(frames)) ** 2 @ filters, 1e-10))
    return db if top_db is None else np.maximum(db, db.max() - top_db)


@pytest.mark.parametrize("top_db", [None, 100.0])
def test_log_mel_is_that_of_a_fourier_transform(top_db):
    filters = mel_filters(16_000, 512, 64, 0.0, 8_000.0, htk=True, slaney_norm=False)
    module = LogMel(filters, 512, 256, scale=0.1, top_db=top_db)
    for rows in golden.signals(16_000, 16_000).values():
        ours = module(torch.tensor(rows)).numpy()
        for row, mine in zip(rows, ours):
            theirs = log_mel_by_fft(row, filters, 512, 256, 0.1, top_db)
            assert mine.shape == theirs.shape
            # Where the spectrogram is far below its loudest place, f32 has no more digits.
            loud = theirs > theirs.max() - 70
            assert np.abs(mine - theirs)[loud].max() < 0.01


def test_an_item_does_not_hear_its_neighbours():
    filters = mel_filters(16_000, 512, 64, 0.0, 8_000.0, htk=True, slaney_norm=False)
    module = LogMel(filters, 512, 256, top_db=100.0)
    loud, quiet = torch.randn(1, 8000), torch.randn(1, 8000) * 1e-6
    assert torch.allclose(module(torch.cat([loud, quiet]))[1:], module(quiet), atol=1e-3)


def test_the_stretch_is_torchs_bicubic():
    x = torch.randn(1, 1, 63, 16)
    index, taps = cubic_taps(63, 64)
    ours = sum(x[:, :, index[k]] * taps[k][None, None, :, None] for k in range(4))
    theirs = torch.nn.functional.interpolate(x, (64, 16), mode="bicubic", align_corners=True)
    assert (ours - theirs).abs().max() < 1e-5
