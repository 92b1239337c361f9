# The rows of --valid are what the report says.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop --valid "$DATA/mixed.test.csv" -q --json fit.json
"$PYTHON" -c 'import json; j = json.load(open("fit.json")); print(j["n"]); assert "valid" in j["validation"]["how"], j["validation"]'
