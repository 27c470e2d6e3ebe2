"""Answers are asked for unencoded, and what is encoded all the same is unpacked within a bound or refused."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_faxto.fax.errors import FaxUnreadableAnswerError
from airflow_provider_faxto.vendors.base import FaxRequest, RequestKind

MIB = 1024 * 1024
CONTENT = b'{"status": "success"}'


def request_of(kind=RequestKind.READ, **fields):
    return FaxRequest(action="do a thing", kind=kind, method="POST", path="/thing", **fields)


@pytest.fixture
def answer_of(raw_server, transport):
    """Give a function that has a body answered in an encoding, and returns what becomes of it."""

    def run(body, encoding):
        headers = {} if encoding is None else {"Content-Encoding": encoding}
        server = raw_server(lambda _, far: far.answer(200, body, headers))
        return transport(server.url).exchange(request_of()).body

    return run


def refused(answer_of, body, encoding):
    with pytest.raises(FaxUnreadableAnswerError) as caught:
        answer_of(body, encoding)
    assert caught.value.http_status == 200
    assert caught.value.__context__ is None
    return caught.value


@pytest.mark.parametrize("kind", list(RequestKind))
def test_answers_are_asked_for_unencoded(raw_server, transport, kind):
    server = raw_server(lambda _, far: far.answer())

    transport(server.url).exchange(request_of(kind, form=[("a", "b")]))

    [seen] = server.requests
    assert seen.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("encoding", [None, "", "identity", "Identity"])
def test_an_answer_that_is_not_encoded_comes_back_as_it_is(answer_of, encoding):
    assert answer_of(CONTENT, encoding) == CONTENT


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", " GZIP "])
def test_gzip_that_was_not_asked_for_is_unpacked(answer_of, encoding):
    assert answer_of(gzip.compress(CONTENT), encoding) == CONTENT


@pytest.mark.parametrize("encoding", ["gzip, gzip", "deflate", "br", "zstd", "compress", "aws-chunked", "gzip;q=1"])
def test_any_other_encoding_is_refused(answer_of, encoding):
    assert "an encoding that was not asked for" in str(refused(answer_of, zlib.compress(CONTENT), encoding))


def test_no_body_is_in_no_encoding(answer_of):
    assert answer_of(b"", "br") == b""


NO_GZIP = {
    "no gzip": b"no gzip",
    "its beginning": gzip.compress(CONTENT)[:2],
    "cut off": gzip.compress(CONTENT)[:-1],
    "twice": gzip.compress(CONTENT) * 2,
    "with more": gzip.compress(CONTENT) + b"\0",
}


@pytest.mark.parametrize("what", NO_GZIP)
def test_what_is_not_one_whole_gzip_is_refused(answer_of, what):
    assert "not the gzip that it says it is" in str(refused(answer_of, NO_GZIP[what], "gzip"))


def test_a_body_of_exactly_the_bound_comes_back(answer_of):
    assert len(answer_of(gzip.compress(bytes(32 * MIB), compresslevel=1), "gzip")) == 32 * MIB
    error = refused(answer_of, gzip.compress(bytes(32 * MIB + 1), compresslevel=1), "gzip")
    assert "larger than 32 MiB" in str(error)
    assert error.is_lasting


def test_a_bomb_takes_no_more_memory_than_the_bound(answer_of):
    packing = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    bomb = b"".join(packing.compress(bytes(MIB)) for _ in range(400)) + packing.flush()
    twice = gzip.compress(bomb)
    assert len(twice) < 10_000
    tracemalloc.start()
    try:
        refused(answer_of, bomb, "gzip")
        refused(answer_of, twice, "gzip, gzip")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # The buffer of what is unpacked grows in steps.
    assert peak < 100 * MIB


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(body=st.binary(), encoding=st.sampled_from(["gzip", "deflate", "br", "gzip, br", "x", "identity"]))
def test_no_encoded_answer_raises_anything_else(answer_of, body, encoding):
    try:
        answer_of(body, encoding)
    except FaxUnreadableAnswerError:
        return
    assert not body or encoding == "identity"
