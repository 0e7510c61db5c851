#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write scipy_mel.txt: mel bands and cepstral coefficients of a short synthetic sound, in float64."""

from __future__ import annotations

import numpy as np
import scipy
from scipy import fft, signal

from records import Records

RATE, WINDOW, HOP, LENGTH = 8000, 200, 80, 256
ABOUT = f"""
numpy {np.__version__} and scipy {scipy.__version__}, made by scipy_mel.py; format: see records.py. All in float64.
Definitions: include/foldrank/media.h. The sound's sample i is that of the test, an integer of 16 bits.
"""


def sound(n: int) -> np.ndarray:
    """Two tones that rise and fade, and a noise from a linear congruence, as 16-bit integers."""
    t = np.arange(n) / RATE
    state, noise = 12345, np.empty(n)
    for i in range(n):
        state = (1103515245 * state + 12345) % 2**31
        noise[i] = state / 2**30 - 1
    tones = np.sin(2 * np.pi * (300 + 400 * t) * t) + 0.5 * np.sin(2 * np.pi * 1800 * t)
    return np.round(8000 * tones * np.exp(-3 * t) + 500 * noise)


def mel_bank(bands: int, low: float, high: float) -> np.ndarray:
    """Triangles of height 1 over the frequencies of the transform, (bands, LENGTH / 2 + 1)."""
    mel = np.linspace(2595 * np.log10(1 + low / 700), 2595 * np.log10(1 + high / 700), bands + 2)
    corner = 700 * (10 ** (mel / 2595) - 1)
    f = np.fft.rfftfreq(LENGTH, 1 / RATE)
    return np.array([np.interp(f, corner[m : m + 3], [0, 1, 0], left=0, right=0) for m in range(bands)])


def log_mel(samples: np.ndarray, bands: int, low: float = 0, high: float = RATE / 2) -> np.ndarray:
    """(frames, bands)."""
    samples = np.pad(samples / 32768, (0, max(0, WINDOW - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    power = np.abs(fft.rfft(frames * signal.get_window("hann", WINDOW), LENGTH)) ** 2
    return np.log(np.maximum(power @ mel_bank(bands, low, high).T, 1e-10))


def main() -> None:
    records = Records(ABOUT)
    samples = sound(1500)
    records.comment("samples of 16 bits")
    records.add("samples", samples[:500], first=0)
    records.add("samples", samples[500:1000], first=500)
    records.add("samples", samples[1000:], first=1000)
    mel, narrow = log_mel(samples, 20), log_mel(samples, 12, 100, 3000)
    mfcc = fft.dct(mel, type=2, norm="ortho")[:, :13]
    records.comment("17 frames; rows as the settings of the test make them")
    records.add("log_mel", mel, digits=9)
    records.add("band", narrow, digits=9)
    records.add("mfcc", mfcc, digits=9)
    records.add("mean", mfcc - mfcc.mean(0), digits=9)
    records.add("standard", (mfcc - mfcc.mean(0)) / mfcc.std(0), digits=9)
    edges = np.arange(6) * len(mfcc) // 5
    records.add("segments", [mfcc[a:b].mean(0) for a, b in zip(edges, edges[1:])], digits=9)
    records.add("pad", mfcc[np.minimum(np.arange(20), len(mfcc) - 1)], digits=9)
    records.add("statistics", [mfcc.mean(0), mfcc.std(0)], digits=9)
    short = fft.dct(log_mel(samples[:90], 20), type=2, norm="ortho")[:, :13]
    records.comment("the first 90 samples alone: less than a window")
    records.add("short", short, digits=9)
    records.write(__file__)


if __name__ == "__main__":
    main()
