"""A caption split by an endpoint that speaks OpenAI's chat protocol: a server of the user's own, or a paid one.

The key is read from an environment variable that the user names, when it is needed, and stands in no message, no repr
and no log; redirects are not followed, so it goes nowhere else.
"""

from __future__ import annotations

import http.client
import json
import os
import time
import typing as t
import urllib.error
import urllib.parse
import urllib.request

from motionbench.errors import ConfigError, ModelError
from ttm_ref.conditions.answer import Message, prompts
from ttm_ref.conditions.prompts import Prompts

_MOST_BYTES = 1 << 20


class EndpointParser:
    """Splits captions with a model behind `POST {base}/chat/completions`.

    Args:
        base: such as "http://localhost:8000/v1" or "https://api.openai.com/v1".
        model: the model's name there.
        key_variable: the environment variable that holds the key; None sends no key.
        timeout: seconds for one answer, from the connection to its last byte.

    Raises:
        ConfigError: the address is no http(s) address or carries a password, or the variable is empty.
    """

    def __init__(self, base: str, model: str, *, key_variable: str | None = None, timeout: float = 60.0) -> None:
        parts = _address(base)
        if not model:
            raise ConfigError("no model is named for the endpoint", "name the model as the endpoint does")
        if not timeout > 0:
            raise ConfigError(f"the endpoint's timeout is {timeout}", "it is a number of seconds above 0")
        self.url = urllib.parse.urlunsplit(parts._replace(path=parts.path.rstrip("/") + "/chat/completions"))
        self.model = model
        self._host = parts.netloc
        self._variable = key_variable
        self._timeout = timeout
        self._key()

    def __call__(self, caption: str) -> Prompts:
        """Return the prompts of a caption.

        Raises:
            ConfigError: the endpoint refuses the key, or knows no such model or address.
            ModelError: it cannot be reached, fails, or does not answer as it was asked to.
        """
        return prompts(self.answer, caption, f"{self.model!r} at {self._host}")

    def answer(self, talk: list[Message]) -> str:
        """The model's next words in a conversation."""
        body = {"model": self.model, "messages": talk, "temperature": 0}
        content = self._post(json.dumps(body).encode())
        try:
            text = json.loads(content)["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            hint = "is this the base of an OpenAI-compatible API, such as .../v1?"
            raise ModelError(f"{self._host} answered with no chat completion", hint) from error
        if not isinstance(text, str):
            raise ModelError(f"{self._host} answered with no text")
        return text

    def _post(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "ttm_ref"}
        if key := self._key():
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(self.url, data=body, headers=headers, method="POST")
        end = time.monotonic() + self._timeout
        try:
            with _OPENER.open(request, timeout=self._timeout) as response:
                return self._read(response, end)
        except urllib.error.HTTPError as error:
            error.close()
            raise self._refusal(error.code) from None
        except TimeoutError as error:
            raise self._late() from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise self._late() from error
            raise ModelError(
                f"{self._host} cannot be reached: {error.reason}", "is it running, and is the address right?"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise ModelError(f"the connection to {self._host} broke: {type(error).__name__}", "try again") from error

    def _read(self, response: t.Any, end: float) -> bytes:
        """The whole answer; a server that drips bytes does not get more time than one that is silent."""
        found = b""
        while piece := response.read1(65536):
            found += piece
            if len(found) > _MOST_BYTES:
                raise ModelError(f"{self._host} answered with more than {_MOST_BYTES} bytes")
            if time.monotonic() > end:
                raise self._late()
        return found

    def _late(self) -> ModelError:
        return ModelError(f"{self._host} did not answer within {self._timeout:g} s", "try again, or raise the timeout")

    def _refusal(self, code: int) -> ModelError | ConfigError:
        """The error for a status; the answer's own text may repeat the key and is not shown."""
        if code in (401, 403):
            where = (
                f"environment variable {self._variable}" if self._variable else "an environment variable that you name"
            )
            return ConfigError(f"{self._host} refused access ({code})", f"the key is read from {where}")
        if code in (400, 404, 405, 422):
            return ConfigError(
                f"{self._host} knows no {self.model!r} at {self.url} ({code})", "check address and model"
            )
        if 300 <= code < 400:
            return ConfigError(f"{self._host} redirects ({code})", "give the address that it redirects to")
        return ModelError(f"{self._host} failed ({code})", "try again later")

    def _key(self) -> str:
        if self._variable is None:
            return ""
        key = os.environ.get(self._variable, "").strip()
        if not key:
            raise ConfigError(f"environment variable {self._variable} is empty", "it holds the key of the endpoint")
        if not (key.isascii() and key.isprintable()):
            raise ConfigError(f"environment variable {self._variable} holds no key", "a key is one line of ASCII")
        return key


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would carry the key to another host."""

    def redirect_request(self, *args: t.Any, **kwargs: t.Any) -> None:
        """Return no request, which makes the redirect an error."""


_OPENER = urllib.request.build_opener(_Stay)


def _address(base: str) -> urllib.parse.SplitResult:
    hint = "such as http://localhost:8000/v1"
    try:
        parts = urllib.parse.urlsplit(base)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise ConfigError(f"{base!r} is no address", hint) from error
    if parts.username or parts.password:
        raise ConfigError(
            "the endpoint's address carries a name or password", "put the key into an environment variable"
        )
    if not usable or any(letter.isspace() or not letter.isprintable() for letter in base):
        raise ConfigError(f"{base!r} is no http or https address", hint)
    if parts.query or parts.fragment:
        raise ConfigError(f"{base!r} carries a query", f"give the base alone, {hint}")
    return parts
