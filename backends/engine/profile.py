"""A hardware profile: every number that makes one GPU slower or smaller than another."""

import msgspec


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The costs (seconds) and capacities of one replica.

    The six costs are the reference calibration that vllm-router publishes for its program scheduler
    (docs/program_scheduling.md): a prefill of k thousand uncached tokens takes 0.0660 + 0.0570 k + 0.00441 k²,
    a decode step 0.01064 + 0.000419 per sequence + 1.42e-7 per token of context.
    """

    prefill_base: float = 0.0660
    prefill_per_token: float = 5.70e-5
    prefill_per_token_squared: float = 4.41e-9
    decode_base: float = 0.01064
    decode_per_sequence: float = 4.19e-4
    decode_per_context_token: float = 1.42e-7

    block_size: int = 16
    # An 8B model in bf16 on 80 GB: 0.9 * 80 GB less 16 GB of weights and 4 GB of activations leaves 52 GB,
    # at 128 KiB of keys and values per token about 25,000 blocks of 16.
    num_blocks: int = 25_000
    max_num_seqs: int = 256
    max_num_batched_tokens: int = 8192

    def __post_init__(self) -> None:
        for name in ("block_size", "num_blocks", "max_num_seqs", "max_num_batched_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")

    def prefill_seconds(self, done: int, chunk: int) -> float:
        """A chunk after `done` uncached tokens; chunks of one prompt add up to the published curve."""
        square = (done + chunk) ** 2 - done**2
        return self.prefill_per_token * chunk + self.prefill_per_token_squared * square

    def decode_seconds(self, sequences: int, context_tokens: int) -> float:
        return self.decode_base + self.decode_per_sequence * sequences + self.decode_per_context_token * context_tokens
