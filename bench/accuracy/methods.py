"""Who is compared, and with which versions: one list. A row of results is one method at one table."""
from typing import NamedTuple, Optional

PEERS = {"xrfm": "xrfm==0.4.5", "torch": "torch==2.15.0", "sklearn": "scikit-learn==1.9.1",
         "lightgbm": "lightgbm==4.7.0", "xgboost": "xgboost==3.2.0", "catboost": "catboost==1.2.10",
         "numpy": "numpy==2.4.6", "pandas": "pandas==3.1.1"} # module: what to install


class Method(NamedTuple):
    name: str
    label: str
    peer: Optional[str] = None   # what learner.py calls it; None: it is ours
    options: str = ""            # ours: of `agop fit`, {budget} being seconds
    tuned: bool = False

    def group(self):
        return "tuned" if self.tuned else "default"

    def module(self):
        return "sklearn" if self.peer in ("hgb", "rf") else self.peer


METHODS = [
    Method("agop", "agop"),
    Method("agop-tuned", "agop, tuned", options="--tune {budget}s", tuned=True),
]
for name, label in (("lightgbm", "LightGBM"), ("xgboost", "XGBoost"), ("catboost", "CatBoost"),
                    ("hgb", "HistGradientBoosting"), ("rf", "RandomForest"), ("xrfm", "xRFM")):
    METHODS += [Method(name, label, name), Method(name + "-tuned", label + ", tuned", name, tuned=True)]

BY_NAME = {m.name: m for m in METHODS}
