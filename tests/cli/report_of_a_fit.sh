# What --json promises.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q --json fit.json --ridge 0.01
"$PYTHON" - <<'END'
import json
j = json.load(open("fit.json"))
for key in ("task", "n", "d", "outputs", "settings", "iterations", "best_iter", "validation", "seconds", "peak_bytes", "model"):
    assert key in j, key
assert j["task"] == "regression" and j["n"] == 90 and j["model"] == "m.agop", j
assert j["settings"]["matrix_units"] == "off"
assert float(j["settings"]["ridge"]) == 0.01, j["settings"]
assert "how" in j["validation"]
for one in j["iterations"]:
    assert one["matrix_units"] is False  # far too few rows to pay
    assert {"iter", "validation", "seconds_kernel", "seconds_solve", "seconds_agop"} <= set(one), one
best = min(j["iterations"], key=lambda i: i["validation"])
assert j["best_iter"] == best["iter"], j["best_iter"]
END
