# %% [markdown]
# # Which light does water absorb, and how far off is a small calculation?
#
# Excitation energies say where a molecule absorbs. How *much* it absorbs is another matter: that
# is the oscillator strength, from the dipole moment between two states. Some states are dark: spin
# forbids them, or symmetry does.
#
# Here we compute water's first singlets with a circuit, draw their spectrum, check energies *and*
# strengths against the exact states of the same orbitals, and then compare with the best
# theoretical values there are. The circuit will turn out to be the smallest of our problems.

# %%
import os

# Small matrices: threads would wait for each other. Before numpy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import matplotlib.pyplot as plt
import numpy as np

import qmlmat as qm

# The tests run this script with a smaller basis; you get the larger one.
QUICK = os.environ.get("QMLMAT_QUICK") == "1"

# %% [markdown]
# ## 1. States
#
# Eight valence electrons in eight orbitals. `SSVQE` finds several states with one circuit. Any
# other solver fits in the same place: `qm.Exact(multiplicity=1)`, `qm.VQD(multiplicity=1)`, ...

# %%
GEOMETRY = "O; H 1 0.9572; H 1 0.9572 2 104.52"
SPACE = qm.ActiveSpace(freeze_core=True) if QUICK else qm.ActiveSpace(8, 8)

water = qm.Molecule.from_zmatrix(GEOMETRY, basis="sto-3g" if QUICK else "6-31g")
hamiltonian = qm.molecular_hamiltonian(water, SPACE)
solution = qm.solve(hamiltonian, qm.SSVQE("uccgsd", multiplicity=1), n_states=4)

# %% [markdown]
# ## 2. Lines
#
# `absorption_spectrum` takes what the Hamiltonian was made of, the molecule and the active space,
# and the solution. It checks that they belong together: in other orbitals the states would have
# another energy.

# %%
spectrum = qm.absorption_spectrum(water, SPACE, solution)
print(qm.spectrum_table(spectrum))

# %% [markdown]
# The term is the multiplicity and the irrep; the configurations are occupations of the eight
# orbitals. The first line takes an electron out of the lone pair that is perpendicular to the
# molecule's plane. The ¹A2 state is dark: no component of the dipole has this symmetry, and `f` is
# 0.
#
# ## 3. A picture
#
# The widths of measured bands come from vibrations and from states that dissociate. Nothing of it
# is computed here: the width of the Gaussians is a choice, and the figure says so.

# %%
qm.plot_spectrum(spectrum, "water_uv.png", width=0.8, title="Water")
plt.figure(figsize=(8.5, 6))
plt.imshow(plt.imread("water_uv.png"))
plt.axis("off")
plt.show()

# %% [markdown]
# ## 4. Can I trust the strengths?
#
# The variational principle guards energies, not strengths: where a state is wrong by an
# angle $\theta$, its energy is off by $\theta^2$ and a dipole may be off by $\theta$. So the
# infidelity, $1 - |\langle\mathrm{exact}|\mathrm{state}\rangle|^2$, stands beside the errors.

# %%
exact_solution = qm.solve(hamiltonian, qm.Exact(multiplicity=1), n_states=6)
exact = qm.absorption_spectrum(water, SPACE, exact_solution)
print(qm.spectrum_table(spectrum, exact=exact))

errors = qm.property_errors(spectrum, exact)
assert max(row.infidelity for row in errors) < 1e-3
assert max(abs(row.oscillator_strength) for row in errors) < 1e-3
assert max(abs(row.energy) for row in errors) < 0.01

# %% [markdown]
# ## 5. Where the electron goes
#
# The dipole moment of each state says how charge has moved, and the natural orbitals say how many
# electrons are unpaired. `found.natural_orbitals[1].to_molden(water, "b1.molden")` writes those of
# the first excited state for a program that draws orbitals.

# %%
found = spectrum.properties
debye = 2.541746473
for number, (dipole, natural) in enumerate(zip(found.dipoles, found.natural_orbitals, strict=True)):
    term = "ground state" if number == 0 else spectrum.transitions[number - 1].label
    size = np.linalg.norm(dipole) * debye
    print(f"{term:>12s}: {size:.2f} debye, {natural.n_unpaired:.2f} electrons unpaired")
found.natural_orbitals[1].to_molden(water, "b1.molden")

# %% [markdown]
# ## 6. And the truth?
#
# The QUEST database has best estimates for water's vertical excitations in a large basis
# (aug-cc-pVTZ): ¹B1 at 7.626 eV, ¹A2 at 9.497, ¹A1 at 9.987. These states are Rydberg states: their
# electron is far from the nuclei, where small basis sets have no functions. Let us watch what the
# basis set does, with the exact states of each active space, so that no solver's error is in the
# way.

# %%
QUEST = {"¹B1": 7.626, "¹A2": 9.497, "¹A1": 9.987}
SPACES = {
    "sto-3g": qm.ActiveSpace(freeze_core=True),
    "6-31g": qm.ActiveSpace(8, 8),
    "aug-cc-pvdz": qm.ActiveSpace(8, 9),
}
lines = {}
for basis, space in SPACES.items():
    molecule = qm.Molecule.from_zmatrix(GEOMETRY, basis=basis)
    states = qm.solve(
        qm.molecular_hamiltonian(molecule, space), qm.Exact(multiplicity=1), n_states=4
    )
    transitions = qm.absorption_spectrum(molecule, space, states).transitions
    lines[basis] = {line.label: line.energy for line in reversed(transitions)}

print(f"{'eV':12s}" + "".join(f"{term:>9s}" for term in QUEST))
for basis, energies in lines.items():
    print(f"{basis:12s}" + "".join(f"{energies[term]:9.3f}" for term in QUEST))
print(f"{'QUEST':12s}" + "".join(f"{energy:9.3f}" for energy in QUEST.values()))

# %%
figure, axes = plt.subplots(figsize=(7, 3.8), layout="constrained")
names = [*lines, "QUEST"]
for term, marker in zip(QUEST, "osd", strict=True):
    heights = [*(lines[basis][term] for basis in lines), QUEST[term]]
    axes.plot(range(len(names)), heights, marker=marker, markersize=7, label=term)
axes.axvline(2.5, color="0.8", linewidth=1)
axes.set_xticks(range(len(names)), names)
axes.set(ylabel="excitation energy (eV)", title="Water: what the basis set does")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# In the minimal basis the first line is almost 5 eV too high: no circuit, however good, can repair
# that. Diffuse functions bring it within 1 eV. What is left: orbitals outside of the active space,
# and a basis set that is still not complete. The circuit's own error was below 0.01 eV.

# %%
off = {basis: max(abs(lines[basis][term] - QUEST[term]) for term in QUEST) for basis in lines}
for basis, error in off.items():
    print(f"{basis:12s} largest difference to QUEST {error:.2f} eV")
assert off["sto-3g"] > 4
assert off["aug-cc-pvdz"] < 1.3
