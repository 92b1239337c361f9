"""What ctypes is told of the library is what agop.h says: every prototype, structure, enumeration and callback."""
import ctypes
import re
from pathlib import Path

import pytest
from agop import _estimators, _native, _settings

HEADER = Path(__file__).parents[2] / "include" / "agop" / "agop.h"
SCALARS = {"int": ctypes.c_int, "double": ctypes.c_double, "int64_t": ctypes.c_int64, "int32_t": ctypes.c_int32,
           "size_t": ctypes.c_size_t, "agop_status": ctypes.c_int, "agop_type": ctypes.c_int, "float": ctypes.c_float}
STRUCTURES = {"agop_mat": _native.Mat, "agop_progress": _native.Progress, "agop_judged": _native.Judged,
              "agop_setting": _native.Setting, "agop_pair": _native.Pair, "agop_program": _native.Program,
              "agop_winner": _native.Winner}
CALLBACKS = {"agop_progress_fn": _native.ProgressFn, "agop_note_fn": _native.NoteFn, "agop_score_fn": _native.ScoreFn}


def source():
    text = re.sub(r"/\*.*?\*/", " ", HEADER.read_text(), flags=re.S)
    return re.sub(r"^\s*#.*$", " ", text, flags=re.M)


def handles():
    return set(re.findall(r"typedef struct (\w+) \1;", source()))


def ctype(words):
    """A declaration without its name, such as "const char * const *", as ctypes has it."""
    stars = words.count("*")
    base = [w for w in re.findall(r"\w+", words) if w != "const"]
    assert len(base) == 1, words
    base = base[0]
    if base in CALLBACKS:
        assert stars == 1
        return CALLBACKS[base]
    if base in handles() or base == "void":
        stars, kind = stars - 1, (None if base == "void" and not stars else ctypes.c_void_p)
    elif base == "char":
        stars, kind = stars - 1, ctypes.c_char_p
    else:
        kind = STRUCTURES.get(base) or SCALARS[base]
    for _ in range(stars):
        kind = ctypes.POINTER(kind)
    return kind


def split(argument):
    """"const double *values" -> ("const double *", "values")."""
    kind, name = re.fullmatch(r"(.*?)(\w+)", argument.strip(), flags=re.S).groups()
    return kind, name


def prototypes():
    found = {}
    text = re.sub(r"typedef[^;{]*\([^;]*;", " ", source())
    text = text.replace("AGOP_STATUS", "agop_status").replace("AGOP_API", " ")
    for result, name, arguments in re.findall(r"([\w \t\n*]+?)\b(agop_\w+)\(([^)]*)\)\s*;", text):
        arguments = [] if arguments.strip() == "void" else [split(a)[0] for a in arguments.split(",")]
        found[name] = (result.replace("\n", " ").strip(), arguments)
    return found


def test_the_parser_finds_what_the_library_exports():
    listed = set((HEADER.parent / "symbols.txt").read_text().split())
    assert set(prototypes()) == listed


@pytest.mark.parametrize("name", sorted(_native.PROTOTYPES))
def test_prototype_is_that_of_the_header(name):
    result, arguments = prototypes()[name]
    told_result, told = _native.PROTOTYPES[name]
    assert told_result == ctype(result)
    wanted = [ctype(a) for a in arguments]
    if name == "agop_closest":  # a buffer that is written to is no text
        assert wanted[2] == ctypes.c_char_p
        wanted[2] = ctypes.c_void_p
    assert told == wanted


def test_a_wrong_prototype_would_be_noticed():
    assert ctype("const char *") == ctypes.c_char_p
    assert ctype("const double *") != ctypes.POINTER(ctypes.c_float)
    assert ctype("agop_table **") == ctypes.POINTER(ctypes.c_void_p)
    assert ctype("const char *const *") == ctypes.POINTER(ctypes.c_char_p)


@pytest.mark.parametrize("name", sorted(STRUCTURES))
def test_structure_is_that_of_the_header(name):
    body = re.search(r"typedef struct %s \{(.*?)\} %s;" % (name, name), source(), flags=re.S)[1]
    fields = []
    for line in body.split(";"):
        if line.strip():
            first, *rest = line.split(",")
            kind, field = split(first)
            fields += [(field, ctype(kind))] + [(other.strip(" *\n"), ctype(kind)) for other in rest]
    wanted = [(field, ctypes.c_void_p if kind is None else kind) for field, kind in fields]
    assert STRUCTURES[name]._fields_ == wanted


@pytest.mark.parametrize("name", sorted(CALLBACKS))
def test_callback_is_that_of_the_header(name):
    result, arguments = re.search(r"typedef (\w+) %s\(([^)]*)\);" % name, source()).groups()
    made = CALLBACKS[name]
    assert made._restype_ == ctype(result)
    assert list(made._argtypes_) == [ctype(split(a)[0]) for a in arguments.split(",")]


def enumeration(member):
    body = next(b for b in re.findall(r"enum \w*\s*\{(.*?)\}", source(), flags=re.S) if re.search(r"\b%s\b" % member, b))
    values, number = {}, -1
    for one in body.split(","):
        name, _, value = one.partition("=")
        number = int(value) if value.strip() else number + 1
        values[name.strip()] = number
    return values


def test_constants_are_those_of_the_header():
    assert enumeration("AGOP_F32") == {"AGOP_F32": _native.F32, "AGOP_F64": _native.F64}
    assert enumeration("AGOP_VALUE") == {"AGOP_VALUE": _estimators._VALUE, "AGOP_PROBA": _estimators._PROBA}
    assert enumeration("AGOP_INTERVAL_AUTO") == {
        "AGOP_INTERVAL_" + name.upper(): number for name, number in _estimators._FORMS.items()}
    assert enumeration("AGOP_INTEGRATED") == {
        "AGOP_" + name.upper(): number for name, number in _estimators._METHODS.items()}
    assert enumeration("AGOP_INT") == {
        "AGOP_" + name: getattr(_settings, name) for name in ("INT", "REAL", "BOOL", "CHOICE", "TEXT", "BYTES")}


def test_every_status_has_an_exception_of_its_code():
    codes = enumeration("AGOP_OK")
    for name, code in codes.items():
        if code:
            error = _native.error_of(code, "a sentence")
            assert (error.code, error.name, str(error)) == (code, name, "a sentence")
    assert set(_native._CLASSES) <= set(codes)
    assert isinstance(_native.error_of(codes["AGOP_E_PARAM"], ""), ValueError)
    assert isinstance(_native.error_of(codes["AGOP_E_NOMEM"], ""), MemoryError)
    assert isinstance(_native.error_of(codes["AGOP_E_IO"], ""), OSError)
    assert isinstance(_native.error_of(codes["AGOP_E_STOPPED"], ""), TimeoutError)
    assert isinstance(_native.error_of(codes["AGOP_E_UNSUPPORTED"], ""), NotImplementedError)
