"""Where Bedrock is and who we are there, from the deployment or from the environment."""

import pytest

KEYS = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "canary-secret"}


def text(body: str, provider: str = "bedrock") -> str:
    return f"deployments:\n  a: {{provider: {provider}, model: m{body}}}\nmodels: {{m: {{deployments: [a]}}}}\n"


@pytest.mark.parametrize(
    ("provider", "body", "environ", "url"),
    [
        ("bedrock", ", region: eu-west-1", {}, "https://bedrock-runtime.eu-west-1.amazonaws.com"),
        ("bedrock", "", {"AWS_REGION": "us-east-2"}, "https://bedrock-runtime.us-east-2.amazonaws.com"),
        ("bedrock", "", {"AWS_DEFAULT_REGION": "us-west-2"}, "https://bedrock-runtime.us-west-2.amazonaws.com"),
        (
            "bedrock_openai",
            ", region: eu-west-1",
            {"AWS_REGION": "us-east-2"},
            "https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1",
        ),
        ("bedrock", ", region: r, base_url: 'http://proxy/aws'", {}, "http://proxy/aws"),
    ],
)
def test_the_address_is_the_region_s(accept, provider, body, environ, url):
    assert accept(text(body, provider), environ).deployments["a"].addresses == [url]


def test_credentials_come_from_the_deployment_first(accept):
    own = ", region: r, aws: {access_key_id: OWN, secret_access_key: s}"
    deployment = accept(text(own), KEYS).deployments["a"]
    assert deployment.aws.access_key_id.reveal() == "OWN"
    deployment = accept(text(", region: r, api_key: k"), KEYS | {"AWS_BEARER_TOKEN_BEDROCK": "b"}).deployments["a"]
    assert (deployment.api_key.reveal(), deployment.aws) == ("k", None)


def test_credentials_of_the_environment(accept):
    deployment = accept(text(", region: r"), KEYS | {"AWS_SESSION_TOKEN": "t"}).deployments["a"]
    aws = deployment.aws
    assert [aws.access_key_id.reveal(), aws.secret_access_key.reveal(), aws.session_token.reveal()] == [
        "AKID",
        "canary-secret",
        "t",
    ]
    deployment = accept(text(", region: r"), KEYS | {"AWS_BEARER_TOKEN_BEDROCK": "b"}).deployments["a"]
    assert (deployment.api_key.reveal(), deployment.aws) == ("b", None)


@pytest.mark.parametrize("environ", [{}, {"AWS_ACCESS_KEY_ID": "AKID"}])
def test_no_credentials_are_no_error_of_the_file(accept, environ):
    deployment = accept(text(", region: r"), environ).deployments["a"]
    assert (deployment.api_key, deployment.aws) == (None, None)


def test_another_provider_takes_nothing_of_it(accept):
    deployment = accept(text(", api_key: k", "groq"), KEYS | {"AWS_REGION": "r"}).deployments["a"]
    assert (deployment.aws, deployment.region) == (None, None)
    assert deployment.addresses == ["https://api.groq.com/openai/v1"]


def test_no_secret_shows(accept):
    assert "canary-secret" not in repr(accept(text(", region: r"), KEYS))
