"""Inputs that fuzzing began with, and those that it found: the decoder and its twin agree on every one."""

import pytest

from tests import fuzz_decoder


@pytest.mark.parametrize("data", [*fuzz_decoder.seeds(), *fuzz_decoder.FOUND])
def test_the_decoder_agrees_with_its_twin_on_the_corpus(data: bytes) -> None:
    fuzz_decoder.check(data)
