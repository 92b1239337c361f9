# What a report of a mistake needs.
"$AGOP" version --build | grep -i -c -e '^compiler: .' -e '^blas: .' -e '^commit: .'
