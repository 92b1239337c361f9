# %% [markdown]
# # Digits as the machine sees them
# 64 pixels, ten classes. Eigenvectors of the AGOP are images: what the machine compares two digits by.

# %%
import pandas as pd

import agop

train, test = (pd.read_csv(f"examples/data/digits.{part}.csv") for part in ("train", "test"))
target = train.columns[-1]
X, y = train.drop(columns=target)[:600], train[target][:600]
X_test, y_test = test.drop(columns=target), test[target]

# %%
model = agop.RFMClassifier(kernel="l2", n_components=10).fit(X, y)
print("accuracy is above 95 %:", model.score(X_test, y_test) > 0.95)

# %% Sets of classes that hold the truth nine times out of ten: mostly one class.
members = model.predict_set(X_test, level=0.9)
print("classes in a set, on average: %.0f" % members.sum(axis=1).mean())

# %% Pixels at the border say nothing.
importance = model.feature_importances_.reshape(8, 8)
print("share of the two outer columns is below 2 %:", importance[:, [0, 7]].sum() < 0.02)
agop.EigenvectorsDisplay.from_estimator(model, 3, shape=(8, 8)).figure_.savefig("eigenvectors.png")
agop.LearningPathDisplay.from_estimator(model).figure_.savefig("path.png")

# %% The learned features serve others: ten of them instead of 64 pixels for the nearest neighbour.
from sklearn.neighbors import KNeighborsClassifier

neighbours = KNeighborsClassifier(3).fit(model.transform(X), y)
print("nearest neighbours in ten learned features: above 90 %:",
      neighbours.score(model.transform(X_test), y_test) > 0.9)
