# %% [markdown]
# # Which measurements matter?
# Ten measurements of 331 patients; how far will the disease have progressed in a year? Run from the repository.

# %%
from pathlib import Path

import pandas as pd

import agop

data = Path("examples/data")
train, test = (pd.read_csv(data / f"diabetes.{part}.csv") for part in ("train", "test"))
X, y = train.drop(columns="progression"), train["progression"]
X_test, y_test = test.drop(columns="progression"), test["progression"]

# %% No setting is needed, and no row is given up for validation: the report has honest scores.
model = agop.RFMRegressor().fit(X, y)
print("R2 on rows never seen: %.2f" % model.score(X_test, y_test))
print("R2 as the fit itself judged it: %.2f" % model.report_["validation"]["r2"])

# %% The share of each column in the average gradient outer product of the fitted function.
shares = pd.Series(model.feature_importances_, X.columns).sort_values(ascending=False)
print("it looks at", ", ".join(shares.index[:3]))
display = agop.ImportancesDisplay.from_estimator(model)
display.figure_.savefig("importances.png")

# %% How sure is a prediction? Intervals hold the truth nine times out of ten.
lower, upper = model.predict_interval(X_test, level=0.9)
inside = ((lower <= y_test) & (y_test <= upper)).mean()
print("inside the 90 %% intervals: %.0f %%" % (100 * inside))

# %% Why this patient? What each column adds sums to the prediction.
parts, base = model.contributions(X_test[:1])
largest = pd.Series(parts[0], X.columns).abs().idxmax()
print("the first patient: %.0f, of which most is due to %s" % (model.predict(X_test[:1])[0], largest))
print("base + contributions - prediction is below 0.1:", abs(base[0] + parts.sum() - model.predict(X_test[:1])[0]) < 0.1)
