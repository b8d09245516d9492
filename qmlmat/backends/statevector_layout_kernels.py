"""Compiled copies between rows of samples and blocks of lanes.

Rows are what callers hold, shape ``(n_rows, n)``; blocks are what the sweeps work on, shape
``(n_blocks, n, n_lanes)``, see ``qmlmat.backends.statevector_op_kernels``.
"""

from __future__ import annotations

import numba

_NJIT = numba.njit(cache=True, nogil=True)


@_NJIT
def pack(rows, places, blocks):
    """Write column j of every row to place ``places[j]`` of its block; lanes without a row are 0.

    Args:
        rows: What is read, shape ``(n_rows, n)``.
        places: Where each column stands in a block, shape ``(n,)``.
        blocks: What is written, shape ``(n_blocks, n, n_lanes)``.
    """
    lanes = blocks.shape[2]
    for block in range(len(blocks)):
        here, first = blocks[block], lanes * block
        filled = min(lanes, len(rows) - first)
        for column in range(rows.shape[1]):
            place = places[column]
            for lane in range(filled):
                here[place, lane] = rows[first + lane, column]
            for lane in range(filled, lanes):
                here[place, lane] = 0.0


@_NJIT
def unpack(blocks, places, factor, rows):
    """Write ``factor`` times what stands at ``places[j]`` of its block to column j of every row.

    Args:
        blocks: What is read, shape ``(n_blocks, n, n_lanes)``.
        places: Where each column stands in a block, shape ``(n,)``.
        factor: What every number is multiplied by.
        rows: What is written, shape ``(n_rows, n)``.
    """
    lanes = blocks.shape[2]
    for block in range(len(blocks)):
        here, first = blocks[block], lanes * block
        filled = min(lanes, len(rows) - first)
        for column in range(rows.shape[1]):
            place = places[column]
            for lane in range(filled):
                rows[first + lane, column] = factor * here[place, lane]
