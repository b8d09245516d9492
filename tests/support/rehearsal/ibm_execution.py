"""Jobs of IBM's executor, run with a fake device's noise.

The client's converters, ``run_quantum_program`` and the schemas are not public: they are used here
and in tests alone, behind the pin of the extra ``ibm``.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from ibm_quantum_schemas.common import CompressedTensorModel
from ibm_quantum_schemas.executor.version_2_0 import (
    ItemMetadataModel,
    MetadataModel,
    QuantumProgramResultItemModel,
    QuantumProgramResultModel,
)
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime.fake_provider.executor.run_quantum_program import run_quantum_program
from qiskit_ibm_runtime.options_models.simulator import SimulatorOptions
from qiskit_ibm_runtime.quantum_program import QuantumProgram
from qiskit_ibm_runtime.quantum_program.converters.converters_2_0 import passthrough_data_to_2_0
from qiskit_ibm_runtime.quantum_program.params_converters import (
    QUANTUM_PROGRAM_PARAMS_CONVERTERS,
)

from rehearsal.server import Done

OVERHEAD_S: Final = 2.0
"""Of each job, as IBM documents it (s)."""
REPETITION_S: Final = 250e-6 + 1.6e-6 + 3e-6
"""Of each execution: the device's default delay, a reset, and a short circuit (s)."""


def execute(
    params: dict[str, Any], simulator: AerSimulator, *, seed: int, limit: float | None = None
) -> Done:
    """Return what an executor job gives.

    Args:
        params: The job's parameters, as the client posts them.
        simulator: Simulates the device with its noise.
        seed: Of the job; no two items of it draw the same.
        limit: The longest the job may take (s).

    Raises:
        RuntimeError: If it takes longer than the limit.
    """
    converter = QUANTUM_PROGRAM_PARAMS_CONVERTERS[params["schema_version"]]
    program, _ = converter.decoder(converter.model.model_validate(params))
    n_executions = program.shots * sum(item.size() for item in program.items)
    seconds = OVERHEAD_S + n_executions * REPETITION_S
    if limit is not None and seconds > limit:
        raise RuntimeError(
            f"Error code 1305; the job would take {seconds:.0f} s, its limit is {limit:g} s"
        )
    seeds = np.random.SeedSequence(seed).generate_state(len(program.items))
    items = []
    for item, own in zip(program.items, seeds, strict=True):
        if hasattr(item, "samplex"):
            item.samplex.finalize()
        part = QuantumProgram(shots=program.shots, items=[item], meas_level=program.meas_level)
        options = SimulatorOptions(seed_simulator=int(own >> 1))
        (found,) = run_quantum_program(simulator, part, options)
        items.append(
            QuantumProgramResultItemModel(
                results={
                    k: CompressedTensorModel.from_numpy(np.asarray(v)) for k, v in found.items()
                },
                metadata=ItemMetadataModel(),
            )
        )
    result = QuantumProgramResultModel(
        data=items,
        metadata=MetadataModel(chunk_timing=[]),
        passthrough_data=passthrough_data_to_2_0(program.passthrough_data),
        semantic_role=program._semantic_role,
    )
    return Done(result=result.model_dump_json().encode(), shots=n_executions, seconds=seconds)
