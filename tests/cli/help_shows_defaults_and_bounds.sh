# What the library's table says of a setting stands in the help.
"$AGOP" fit --help | tr -s ' \n' '  ' | grep -o -e 'default 1; above 0, at most 2' -e 'default zscore' -e 'default 0; 0 to 0.9' | sort -u
