# %% [markdown]
# # Which columns depend on each other?
# The InterDependence Score sees what correlations do not: anything that is not chance.

# %%
import numpy as np
import pandas as pd

import agop

generator = np.random.default_rng(0)
x, z = generator.normal(size=(2, 2000))
frame = pd.DataFrame({"x": x, "square": x**2 + 0.1 * generator.normal(size=2000), "z": z,
                      "wave": np.sin(3 * z), "noise": generator.normal(size=2000)})
print("correlation of x and its square is below 0.2:", abs(frame.corr().loc["x", "square"]) < 0.2)

# %%
found = agop.ids(frame, p_values=True)
for pair in found.pairs(2):
    print(f"{pair.a} and {pair.b}: score above 0.5: {pair.score > 0.5}, p below 1e-20: {pair.log10_p < -20}")
print("pairs at a false discovery rate of 1 %:", sum(pair.log10_q < -2 for pair in found.pairs()))
agop.DependenceDisplay.from_scores(found).figure_.savefig("dependence.png")

# %% Ten measurements of patients with each other, and with what is to be predicted.
patients = pd.read_csv("examples/data/diabetes.train.csv")
print(agop.ids(patients).pairs(1)[0][:2])
with_target = agop.ids(patients.drop(columns="progression"), patients[["progression"]])
print("progression depends most on", with_target.pairs(1)[0].a)
