# The short way. What happens is in CMakeLists.txt and scripts/; this file only has the words.
.PHONY: all setup demo test bench accuracy fuzz install clean

all: setup
	@cmake -G Ninja -S . -B build -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF --log-level=WARNING >/dev/null
	@cmake --build build
	@echo "build/agop is ready: try build/agop --help"

setup:
	@sh scripts/setup.sh build

demo:
	@sh scripts/setup.sh demo
	@$(MAKE) --no-print-directory all
	@sh scripts/demo.sh

test:
	@sh scripts/setup.sh test
	@sh scripts/test.sh

bench: all
	@sh scripts/setup.sh bench
	@$(shell command -v /usr/bin/python3 || echo python3) bench/bench.py $(if $(RUNS),--runs $(RUNS)) $(if $(QUICK),--quick) $(if $(AGAIN),--again) $(CASES)

accuracy: all
	@sh scripts/setup.sh bench
	@$(shell command -v /usr/bin/python3 || echo python3) bench/accuracy/accuracy.py $(if $(TABLES),--tables '$(TABLES)') $(if $(ONLY),--only '$(ONLY)') $(if $(METHODS),--methods '$(METHODS)') $(if $(ROWS),--rows $(ROWS)) $(if $(BUDGET),--budget $(BUDGET)) $(if $(REDO),--redo $(REDO))

fuzz:
	@sh scripts/setup.sh test
	@sh scripts/fuzz.sh

install: all
	@cmake --install build

clean:
	@rm -rf build build-test build-asan build-debug build-coverage build-fuzz demo
