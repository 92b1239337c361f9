# Three ways to ask.
"$AGOP" version
"$AGOP" --version
"$AGOP" -V
