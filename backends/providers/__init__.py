"""The providers, each described by one file; a new one is a file and a name here."""

from backends.providers.anthropic import ANTHROPIC
from backends.providers.azure import AZURE
from backends.providers.baseten import BASETEN
from backends.providers.bedrock import BEDROCK
from backends.providers.bedrock_openai import BEDROCK_OPENAI
from backends.providers.cerebras import CEREBRAS
from backends.providers.deepseek import DEEPSEEK
from backends.providers.embedded import EMBEDDED
from backends.providers.fireworks import FIREWORKS
from backends.providers.gemini import GEMINI
from backends.providers.groq import GROQ
from backends.providers.llama_cpp import LLAMA_CPP
from backends.providers.lm_studio import LM_STUDIO
from backends.providers.mistral import MISTRAL
from backends.providers.ollama import OLLAMA
from backends.providers.openai import OPENAI
from backends.providers.openai_compatible import OPENAI_COMPATIBLE
from backends.providers.openrouter import OPENROUTER
from backends.providers.provider import Provider
from backends.providers.sglang import SGLANG
from backends.providers.tensorrt_llm import TENSORRT_LLM
from backends.providers.tgi import TGI
from backends.providers.together import TOGETHER
from backends.providers.vertex import VERTEX
from backends.providers.vertex_openai import VERTEX_OPENAI
from backends.providers.vllm import VLLM
from backends.providers.xai import XAI

#: In the order in which the documentation lists them.
PROVIDERS: tuple[Provider, ...] = (
    VLLM,
    OPENAI,
    OPENAI_COMPATIBLE,
    EMBEDDED,
    BEDROCK,
    VERTEX,
    GEMINI,
    AZURE,
    ANTHROPIC,
    GROQ,
    TOGETHER,
    FIREWORKS,
    CEREBRAS,
    BASETEN,
    OPENROUTER,
    MISTRAL,
    DEEPSEEK,
    XAI,
    BEDROCK_OPENAI,
    VERTEX_OPENAI,
    SGLANG,
    TENSORRT_LLM,
    TGI,
    LLAMA_CPP,
    OLLAMA,
    LM_STUDIO,
)
