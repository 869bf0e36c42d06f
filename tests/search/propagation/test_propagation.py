"""The published vectors, slow oracles, and what must hold of every way."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from scipy import sparse

from services.search.propagation.chains import Chains, expand
from services.search.propagation.consensus import Consensus, propagate
from services.search.propagation.diffusion import diffuse
from services.search.propagation.graph import Graph, strongest

DIRECT = np.array([[0.80, 0.10, 0.05, 0.10], [0.05, 0.20, 0.70, 0.15]])
LINKS = np.array([[1, 0.9, 0.2, 0.1], [0.9, 1, 0.3, 0.2], [0.2, 0.3, 1, 0.85], [0.1, 0.2, 0.85, 1]])
PUBLISHED = Consensus(published=True)

WAYS: dict[str, Callable[[Graph], np.ndarray]] = {
    "clamped": propagate,
    "with nobody": lambda graph: propagate(graph, Consensus(nobody=0.3)),
    "diffusion": diffuse,
    "chains": expand,
}


def corpus(seed: int, cast: int = 4, tracklets: int = 30, share: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Affinities in [0, 1], of which a share is not 0; all different."""
    random = np.random.default_rng(seed)
    direct = random.random((cast, tracklets)) * (random.random((cast, tracklets)) < 0.5)
    upper = np.triu(random.random((tracklets, tracklets)) * (random.random((tracklets, tracklets)) < share), 1)
    return direct, upper + upper.T


def dense(direct: np.ndarray, links: np.ndarray) -> np.ndarray:
    cast = len(direct)
    return np.block([[np.zeros((cast, cast)), direct], [direct.T, links]])


def slow_consensus(direct: np.ndarray, links: np.ndarray) -> np.ndarray:
    """The published loop, line by line."""
    weights, cast = dense(direct, links), len(direct)
    nodes = len(weights)
    seeds = np.zeros((nodes, cast))
    seeds[:cast] = np.eye(cast)
    told, frozen = seeds.copy(), set[int]()
    for step in range(5):
        said = np.zeros((nodes, cast))
        for i in range(nodes):
            for c in range(cast):
                said[i, c] = max(weights[i, j] * told[j, c] for j in range(nodes))
            powers = np.exp((said[i] - said[i].max()) / 0.03)
            said[i] = powers / powers.sum()
        for i in frozen:
            said[i] = told[i]
        share = 0.5 + step * 0.5 / 4
        frozen |= set(sorted(range(nodes), key=lambda i: -said[i].max())[: int(share * nodes)])
        told = np.array([said[i] if i in frozen else np.zeros(cast) for i in range(nodes)])
        told[told < 0.001] = 0.0
    return np.asarray((weights @ seeds + said)[cast:].T)


def test_the_reference_vector_of_competitive_consensus() -> None:
    found = propagate(Graph.of(DIRECT, LINKS), PUBLISHED)
    assert found == pytest.approx(np.array([[1.8, 0.134445, 0.05, 0.10], [0.05, 1.165555, 1.7, 1.15]]), abs=1e-6)


def test_the_reference_vector_of_diffusion() -> None:
    found = diffuse(Graph.of(DIRECT, LINKS))
    assert found[0] == pytest.approx(np.full(4, 0.133370), abs=1e-6)
    assert found[1] == pytest.approx(np.full(4, 0.132677), abs=1e-6)


def test_clamped_anchors_do_not_freeze_the_second_tracklet_with_the_wrong_person() -> None:
    found = propagate(Graph.of(DIRECT, LINKS))
    assert found.argmax(axis=0).tolist() == [0, 0, 1, 1]
    assert propagate(Graph.of(DIRECT, LINKS), PUBLISHED).argmax(axis=0).tolist() == [0, 1, 1, 1]


def test_the_strongest_neighbour_decides_where_the_mean_cannot() -> None:
    # The figure of the paper: neighbours that say 0.6 x 0.6 of one person and 0.4 x 0.6 of the other, beside ones that
    # say little, are a tie on average; the strongest of each, sharpened, are 0.98 to 0.02 (0.8 to 0.2 in the figure,
    # whose softmax is less sharp).
    links = np.array([[0.6, 0.6, 0.6, 0.6]])
    known = np.array([[0.6, 0.0], [0.0, 0.4], [0.0, 0.2], [0.0, 0.0]])
    assert strongest(sparse.csr_array(links), known) == pytest.approx(np.array([[0.36, 0.24]]))
    assert (links @ known / 4)[0] == pytest.approx([0.09, 0.09])
    for temperature, expected in ((0.12 / np.log(4.0), 0.8), (0.03, 0.982)):
        powers = np.exp(np.array([0.36, 0.24]) / temperature)
        assert powers[0] / powers.sum() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_consensus_is_the_published_loop(seed: int) -> None:
    direct, links = corpus(seed, share=0.8)
    found = propagate(Graph.of(direct, links + np.eye(30)), PUBLISHED)
    assert found == pytest.approx(slow_consensus(direct, links + np.eye(30)), abs=1e-9)


def test_diffusion_is_its_definition_on_dense_matrices() -> None:
    direct, links = corpus(1)
    weights = dense(direct, links)
    steps = np.exp(weights) / np.exp(weights).sum(axis=1, keepdims=True)
    labels = np.vstack([np.eye(4), np.zeros((30, 4))])
    for _ in range(50):
        labels = steps @ labels
    assert diffuse(Graph.of(direct, links)) == pytest.approx(labels[4:].T)


def test_chains_are_the_best_of_all_walks() -> None:
    direct, links = corpus(2, tracklets=8, share=0.5)
    best = direct.copy()
    walks = {(c, i): direct[c, i] for c in range(4) for i in range(8) if direct[c, i] >= 0.5}
    for _ in range(3):
        longer: dict[tuple[int, int], float] = {}
        for (c, i), score in walks.items():
            for j in range(8):
                value = score * links[i, j]
                if value >= 0.1:
                    longer[c, j] = max(longer.get((c, j), 0.0), value)
                    best[c, j] = max(best[c, j], value)
        walks = longer
    assert expand(Graph.of(direct, links)) == pytest.approx(best)


@pytest.mark.parametrize("name", WAYS)
def test_the_order_of_storage_does_not_matter(name: str) -> None:
    direct, links = corpus(3)
    # Many equal affinities, as saturated calibrations give: the hard case.
    direct, links = np.round(direct, 1), np.round(links, 1)
    expected = WAYS[name](Graph.of(direct, links))
    order = np.random.default_rng(4).permutation(30)
    found = WAYS[name](Graph.of(direct[:, order], links[np.ix_(order, order)]))
    assert found == pytest.approx(expected[:, order])


@pytest.mark.parametrize("name", WAYS)
def test_dense_and_sparse_links_are_one(name: str) -> None:
    direct, links = corpus(5)
    expected = WAYS[name](Graph.of(direct, links))
    assert WAYS[name](Graph.of(direct, sparse.coo_array(links))) == pytest.approx(expected)


def test_what_nothing_reaches_keeps_its_direct_affinity() -> None:
    direct, links = np.array([[0.9, 0.0, 0.0], [0.1, 0.0, 0.0]]), np.zeros((3, 3))
    links[0, 1] = links[1, 0] = 0.8
    found = propagate(Graph.of(direct, links))
    assert found[:, 2] == pytest.approx([0.0, 0.0])
    assert found[0, 1] > 0.9
    # The published way says 1/C of everybody.
    assert propagate(Graph.of(direct, links), PUBLISHED)[:, 2] == pytest.approx([0.5, 0.5])


def test_one_person_alone_competes_with_nobody() -> None:
    direct, links = np.array([[0.9, 0.0, 0.2]]), np.zeros((3, 3))
    links[0, 1] = links[1, 0] = 0.8
    with_nobody = propagate(Graph.of(direct, links), Consensus(nobody=0.5))[0]
    assert with_nobody[1] > 0.9
    assert with_nobody[2] < 0.21
    # Without it a single query cannot tell anybody apart: no share can be above the uniform one.
    assert propagate(Graph.of(direct, links))[0] == pytest.approx(direct[0])


def test_a_hundred_thousand_tracklets_and_two_million_links_fit() -> None:
    random = np.random.default_rng(0)
    count, edges = 100_000, 1_000_000
    ends = random.integers(0, count, size=(2, edges))
    half = sparse.coo_array((random.random(edges), (ends[0], ends[1])), shape=(count, count)).tocsr()
    links = half.maximum(half.T).minimum(sparse.csr_array(half.maximum(half.T) > 0))
    direct = np.zeros((2, count))
    direct[0, :50], direct[1, 50:100] = 0.9, 0.9
    graph = Graph.of(direct, links)
    started = time.process_time()
    for way in (expand, propagate, lambda one: diffuse(one, steps=5)):
        found = way(graph)
        assert found.shape == (2, count)
        assert np.isfinite(found).all()
    assert time.process_time() - started < 60.0


def test_bad_graphs_are_refused() -> None:
    with pytest.raises(ValueError, match="C x N"):
        Graph.of(np.zeros((2, 3)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="not finite"):
        Graph.of(np.array([[np.nan]]), np.zeros((1, 1)))
    with pytest.raises(ValueError, match="probabilities"):
        expand(Graph.of(np.array([[-0.5, 1.0]]), np.zeros((2, 2))))
    with pytest.raises(ValueError, match="nobody"):
        Consensus(published=True, nobody=0.3)
    with pytest.raises(ValueError, match="temperature"):
        Consensus(temperature=0.0)


def test_bounds_of_chains_hold() -> None:
    direct, links = np.array([[1.0, 0.0, 0.0]]), np.zeros((3, 3))
    links[0, 1] = links[1, 0] = 0.5
    links[1, 2] = links[2, 1] = 0.5
    graph = Graph.of(direct, links)
    assert expand(graph)[0] == pytest.approx([1.0, 0.5, 0.25])
    assert expand(graph, Chains(hops=1))[0] == pytest.approx([1.0, 0.5, 0.0])
    assert expand(graph, Chains(stop=0.3))[0] == pytest.approx([1.0, 0.5, 0.0])
