"""Programs from Python: those that were planted, activities by NumPy, and what the program agop says of the same table.

Wheels are built without igraph: with their library the one sentence is tested, with the build's (AGOP_LIBRARY) the rest.
"""
import os
import pickle
import subprocess

import agop
import numpy as np
import pytest
from agop._native import lib

IGRAPH = b"igraph: none" not in lib.agop_build_info()
with_igraph = pytest.mark.skipif(not IGRAPH, reason="the library was built without igraph")
NAMES = ["%s%d" % (group, k) for group in "abc" for k in range(1, 7)] + ["n1", "n2", "n3"]


def planted(falling=False):
    """a1 .. a6 follow a number that is high in few rows, b1 .. b6 another, c1 .. c6 one that is normal, n1 .. n3 nothing;
    with `falling` a6, b6, c6 with the other sign."""
    generator = np.random.default_rng(7)
    hidden = generator.normal(size=(400, 3))
    hidden[:80, 0] += 4
    hidden[80:130, 1] += 4
    sign = np.where(np.arange(6) == 5, -1, 1) if falling else np.ones(6)
    groups = [2 * hidden[:, [k]] * sign + generator.normal(size=(400, 6)) for k in range(3)]
    return np.hstack([*groups, generator.normal(size=(400, 3))])


@pytest.fixture(scope="module")
def frame():
    return pytest.importorskip("pandas").DataFrame(planted(), columns=NAMES)


def standardised(X):
    centred = X - np.nanmean(X, axis=0)
    return np.where(np.isnan(X), 0, centred / np.sqrt(np.nanmean(centred**2, axis=0)))


@pytest.mark.skipif(IGRAPH, reason="the library was built with igraph")
def test_without_igraph_the_library_says_so():
    with pytest.raises(agop.AgopUnsupportedError, match="programs need igraph.*libigraph-dev") as raised:
        agop.ids(planted()).programs()
    assert isinstance(raised.value, NotImplementedError) and raised.value.name == "AGOP_E_UNSUPPORTED"


@with_igraph
def test_groups_that_were_planted_are_found(frame):
    found = agop.ids(frame)
    programs = found.programs()
    assert sorted(sorted(program.members) for program in programs) == [NAMES[:6], NAMES[6:12], NAMES[12:18]]
    for program in programs:
        inside = found.scores[np.ix_(program.columns, program.columns)]
        inside = inside - np.diag(np.diag(inside))
        assert program.members == [NAMES[j] for j in program.columns] and len(program) == 6
        np.testing.assert_allclose(program.within, inside.sum(axis=1))
        assert (np.diff(program.within) <= 0).all() and (program.sign == 1).all()
        assert program.strength == pytest.approx(inside.sum() / 30)
    assert np.diff([program.strength for program in programs]).max() <= 0
    for k, program in enumerate(programs):
        assert set(np.flatnonzero(programs.labels == k)) == set(program.columns)
    assert (programs.labels[18:] == -1).all()


@with_igraph
@pytest.mark.parametrize("missing", [False, True])
def test_activities_are_those_of_the_definition(missing):
    X = planted()
    if missing:
        X[::7, 2] = X[3::11, 9] = np.nan
    programs = agop.ids(X).programs()
    assert programs.activity.shape == (400, 3) and programs.most_active.shape == (400,)
    for k, program in enumerate(programs):
        mean = standardised(X)[:, program.columns].mean(axis=1)
        np.testing.assert_allclose(programs.activity[:, k], standardised(mean[:, None])[:, 0], atol=1e-12)
    marks = (programs.activity**3).mean(axis=0) > 2 * np.sqrt(6 / 400)
    assert [marks[programs.labels[j]] for j in (0, 6, 12)] == [True, True, False]
    among = np.where(marks, programs.activity, -np.inf)
    np.testing.assert_array_equal(programs.most_active, np.where(among.max(axis=1) > 0, among.argmax(axis=1), -1))
    assert (programs.most_active[:80] == programs.labels[0]).mean() > 0.95
    assert (programs.most_active[80:130] == programs.labels[6]).mean() > 0.95


@with_igraph
def test_with_any_sign_members_may_fall():
    X = planted(falling=True)
    assert sorted(len(program) for program in agop.ids(X).programs()) == [5, 5, 5]
    programs = agop.ids(X, top=5).programs(any_sign=True, partners=5)
    for k in range(3):
        program = programs[programs.labels[6 * k]]
        sign = dict(zip(program.columns.tolist(), program.sign.tolist()))
        assert [sign[j] == sign[6 * k] for j in range(6 * k, 6 * k + 6)] == [True] * 5 + [False]
        assert program.sign[0] == 1 and repr(program).count("-") == (program.sign < 0).sum()
        mean = (standardised(X)[:, program.columns] * program.sign).mean(axis=1)
        np.testing.assert_allclose(programs.activity[:, programs.labels[6 * k]], mean / mean.std(), atol=1e-12)


@with_igraph
def test_settings_act_and_are_checked(frame):
    found = agop.ids(frame)
    programs = found.programs(resolution=1.0, seed=3)
    assert programs.settings == {"partners": 15, "resolution": 1.0, "least_members": 3, "any_sign": False, "seed": 3,
                                 "fdr": None}
    assert len(found.programs(resolution=20, least_members=1)) > len(programs) == 3
    assert len(found.programs(least_members=7)) == 0
    assert len(found.programs(fdr=1e-300)) == 0
    few = found.programs(partners=1, least_members=2)
    assert len(few) > 3 and all(set(program.members) <= set(NAMES[6 * k:6 * k + 6]) for program in few[:3]
                                for k in ["abc".index(program.members[0][0])])
    with pytest.raises(TypeError, match="programs.*'partner'"):
        found.programs(partner=3)
    with pytest.raises(ValueError, match="resolution must be"):
        found.programs(resolution=0)
    with pytest.raises(ValueError, match="one table against itself"):
        agop.ids(frame.iloc[:, :6], frame.iloc[:, 6:]).programs()


@with_igraph
def test_the_order_of_columns_does_not_matter(frame):
    programs = agop.ids(frame).programs()
    turned = agop.ids(frame[NAMES[::-1]]).programs()
    assert [sorted(program.members) for program in turned] == [sorted(program.members) for program in programs]
    np.testing.assert_allclose(turned.activity, programs.activity, atol=1e-12)
    np.testing.assert_array_equal(turned.most_active, programs.most_active)


@with_igraph
def test_categories_belong_to_none(frame):
    mixed = frame.assign(kind=np.where(frame.a1 > 0, "high", "low"))
    programs = agop.ids(mixed).programs()
    assert len(programs.names) == len(programs.labels) == 22 and programs.labels[-1] == -1 and len(programs) == 3


@with_igraph
def test_of_independent_columns_there_are_none():
    programs = agop.ids(np.random.default_rng(0).normal(size=(100, 5))).programs()
    assert len(programs) == 0 and list(programs) == [] and programs.activity.shape == (100, 0)
    assert (programs.most_active == -1).all() and (programs.labels == -1).all() and len(programs.to_frame()) == 0


@with_igraph
def test_programs_are_a_sequence_of_their_own(frame):
    programs = agop.ids(frame).programs()  # the scores are gone
    assert programs[-1] is list(programs)[2] and len(programs[1:]) == 2
    other = pickle.loads(pickle.dumps(programs))
    np.testing.assert_array_equal(other.activity, programs.activity)
    assert repr(other) == repr(programs) and repr(programs).startswith("Programs(3 of 21 variables)\nProgram(")
    lines = programs.to_frame()
    assert list(lines.columns) == ["program", "members", "strength", "member", "within", "sign"] and len(lines) == 18
    assert lines.member[lines.program == 1].tolist() == programs[1].members


@with_igraph
def test_sparse_and_dense_agree():
    sparse = pytest.importorskip("scipy.sparse")
    generator = np.random.default_rng(1)
    counts = generator.poisson(np.exp(0.7 * planted()[:, :18] - 2)).astype(float)
    dense, packed = (agop.ids(X, top=15).programs() for X in (counts, sparse.csr_matrix(counts)))
    assert [program.members for program in dense] == [program.members for program in packed] and len(dense) == 3
    np.testing.assert_allclose(packed.activity, dense.activity, atol=1e-12)


# ---- the program says the same ----


@with_igraph
@pytest.mark.parametrize("settings", [{}, {"partners": 4, "resolution": 2.0, "least_members": 2, "any_sign": True, "seed": 5},
                                      {"fdr": 1e-12}])
def test_programs_are_those_of_the_program(tmp_path, frame, settings):
    program = os.environ.get("AGOP_PROGRAM")
    if not program:
        pytest.skip("AGOP_PROGRAM names no program")
    import pandas

    options = ["--%s=%s" % (name.replace("_", "-"), str(value).lower()) for name, value in settings.items()]
    frame.to_csv(tmp_path / "table.csv", index=False)
    subprocess.run([program, "ids", tmp_path / "table.csv", "--programs", "-o", tmp_path / "programs.csv", "-q",
                    "--activities", tmp_path / "rows.csv", *options], check=True)
    told, rows = pandas.read_csv(tmp_path / "programs.csv"), pandas.read_csv(tmp_path / "rows.csv")
    # to the program, fdr says which pairs are told, too
    programs = agop.ids(frame, **{name: value for name, value in settings.items() if name == "fdr"}).programs(**settings)
    lines = programs.to_frame()
    assert len(programs) >= 3
    assert (told.program - 1).tolist() == lines.program.tolist() and told.member.tolist() == lines.member.tolist()
    for column in ("members", "strength", "within", "sign"):
        np.testing.assert_allclose(lines[column], told[column], rtol=1e-12)
    np.testing.assert_allclose(programs.activity, rows.iloc[:, 1:-1], rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(programs.most_active, rows.most_active.fillna(0) - 1)


# ---- AnnData ----


@with_igraph
@pytest.mark.filterwarnings("ignore")
def test_anndata_in_anndata_out(tmp_path, frame):
    anndata = pytest.importorskip("anndata")
    adata = anndata.AnnData(np.zeros(frame.shape, dtype=np.float32), layers={"log": frame.to_numpy()})
    adata.var_names = NAMES
    programs = agop.ids(adata, layer="log", top=15).programs()
    assert programs.add_to(adata) is adata
    assert adata.uns["programs"]["members"].tolist() == [6, 6, 6] and "fdr" not in adata.uns["programs"]
    assert agop.ids(frame).programs(fdr=0.01).add_to(adata, key="strict") is adata
    adata.write_h5ad(tmp_path / "cells.h5ad")
    read = anndata.read_h5ad(tmp_path / "cells.h5ad")
    np.testing.assert_array_equal(read.obsm["programs"], programs.activity)
    for told, wanted in ((read.obs["programs"], programs.most_active), (read.var["programs"], programs.labels)):
        assert told.dtype == "category"
        np.testing.assert_array_equal(told.astype(float).fillna(-1), wanted)
    inside = read.var["programs_within"][programs[0].columns]
    np.testing.assert_array_equal(inside, programs[0].within)
    assert (read.var["programs_sign"] == (programs.labels >= 0)).all() and (read.var["programs_within"][18:] == 0).all()
    assert read.uns["programs"]["strength"].tolist() == [program.strength for program in programs]
    assert read.uns["programs"]["resolution"] == 1 and read.uns["strict"]["fdr"] == 0.01
    with pytest.raises(ValueError, match="400 rows and 21 variables, but adata has 400 and 20"):
        programs.add_to(adata[:, :20])
    none = agop.ids(adata, layer="log").programs(least_members=7).add_to(adata, key="none")
    assert none.obsm["none"].shape == (400, 0) and none.var["none"].isna().all()
