# The closest verb.
"$AGOP" predcit model data
