"""TeX formulas as MathML, which browsers set without any script or network; a formula outside this subset stays readable as TeX."""

from __future__ import annotations

import re
from html import escape

from dosegrade.errors import SpecError

MAX_DEPTH = 20
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\s+|.", re.DOTALL)


def pairs(text: str) -> dict[str, str]:
    """`name sign name sign …`."""
    return dict(re.findall(r"(\S+) (\S+)", text))


GREEK = pairs(
    """
    alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ lambda λ mu μ
    nu ν xi ξ pi π rho ρ sigma σ tau τ upsilon υ phi ϕ varphi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ
    Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω ell ℓ infty ∞ partial ∂ nabla ∇ top ⊤ emptyset ∅ hbar ℏ
    """
)
SIGNS = pairs(
    """
    cdot ⋅ times × div ÷ pm ± mp ∓ le ≤ leq ≤ ge ≥ geq ≥ ne ≠ neq ≠ approx ≈ sim ∼ equiv ≡ propto ∝ in ∈ notin ∉ to →
    rightarrow → leftarrow ← gets ← Rightarrow ⇒ mapsto ↦ odot ⊙ oplus ⊕ otimes ⊗ circ ∘ ldots … dots … cdots ⋯ langle ⟨
    rangle ⟩ lVert ‖ rVert ‖ lvert | rvert | mid ∣ cap ∩ cup ∪ subset ⊂ forall ∀ exists ∃ ast ∗ star ⋆ ll ≪ gg ≫ wedge ∧
    vee ∨
    """
) | {"|": "‖", "{": "{", "}": "}", "%": "%", "$": "$", "#": "#", "_": "_", "&": "&"}
LARGE = {"sum": "∑", "prod": "∏", "int": "∫"}
WORDS = (
    "max",
    "min",
    "arg",
    "argmax",
    "argmin",
    "lim",
    "sup",
    "inf",
    "ln",
    "log",
    "exp",
    "sin",
    "cos",
    "tan",
    "tanh",
    "sinh",
    "cosh",
    "det",
)
LIMITS = ("max", "min", "argmax", "argmin", "lim", "sup", "inf")
ACCENTS = {"hat": "^", "widehat": "^", "bar": "¯", "overline": "¯", "tilde": "~", "vec": "→", "dot": "˙"}
SPACES = {",": "0.17em", ":": "0.22em", ";": "0.28em", "!": "-0.17em", " ": "0.25em", "quad": "1em", "qquad": "2em"}
FONTS = {"text": "normal", "mathrm": "normal", "operatorname": "normal", "textrm": "normal", "mathbf": "bold", "boldsymbol": "bold"}
STYLES = ("displaystyle", "textstyle", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "limits")


class Unknown(SpecError):
    """TeX that is not of the subset."""


def mathml(formula: str, display: bool) -> str:
    """A formula as `<math>`, or as code where it cannot be set."""
    tokens = [t for t in _TOKEN.findall(" ".join(formula.split()))]
    try:
        body = Setter(tokens, display).whole()
    except Unknown:
        tag = "div" if display else "span"
        return f'<{tag} class="tex"><code>{escape(formula.strip(), quote=False)}</code></{tag}>'
    kind = ' display="block"' if display else ""
    return f"<math{kind}><mrow>{body}</mrow></math>"


class Setter:
    """Reads tokens from left to right."""

    def __init__(self, tokens: list[str], display: bool) -> None:
        self.tokens = tokens
        self.display = display
        self.place = 0
        self.depth = 0

    def whole(self) -> str:
        """All of it."""
        made = self.row(())
        if self.place < len(self.tokens):
            raise Unknown(self.tokens[self.place])
        return made

    def peek(self) -> str:
        """The next token that is no blank; empty at the end."""
        while self.place < len(self.tokens) and self.tokens[self.place].isspace():
            self.place += 1
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        """The next token, gone past."""
        token = self.peek()
        self.place += 1
        if not token:
            raise Unknown("the formula ends too early")
        return token

    def row(self, ends: tuple[str, ...]) -> str:
        """Atoms with their scripts, up to an end."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unknown("too deep")
        made = []
        while (token := self.peek()) and token not in ends:
            made.append(self.scripted())
        self.depth -= 1
        return "".join(made)

    def scripted(self) -> str:
        """An atom with what stands below and above it."""
        first = self.peek()
        base = self.atom() if first not in ("^", "_", "'") else "<mrow></mrow>"
        below = above = ""
        while (token := self.peek()) in ("^", "_", "'") and token:
            self.take()
            if token == "_":
                below = self.once(below)
            elif token == "^":
                above = self.once(above)
            else:
                base = f"<mrow>{base}<mtext>′</mtext></mrow>"
        limits = self.display and (first[1:] in LARGE or first[1:] in LIMITS)
        return scripts(base, below, above, limits)

    def once(self, before: str) -> str:
        """A script, of which there is one below and one above."""
        if before:
            raise Unknown("two scripts")
        return self.group()

    def group(self) -> str:
        """`{…}` or one atom."""
        if self.peek() != "{":
            return self.atom()
        self.take()
        made = self.row(("}",))
        if self.take() != "}":
            raise Unknown("a brace is not closed")
        return f"<mrow>{made}</mrow>"

    def atom(self) -> str:
        """One sign, command or group."""
        token = self.peek()
        if token == "{":
            return self.group()
        self.take()
        if token.startswith("\\"):
            return self.command(token[1:])
        if token in ("}", "&", "^", "_"):
            raise Unknown(token)
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        return f"<mi>{escape(token)}</mi>" if token.isalpha() else f"<mo>{escape({'-': '−', '*': '∗'}.get(token, token))}</mo>"

    def command(self, name: str) -> str:
        """A command with its arguments."""
        for table, tag in ((GREEK, "mi"), (SIGNS, "mo"), (LARGE, "mo")):
            if name in table:
                return f"<{tag}>{escape(table[name])}</{tag}>"
        if name in WORDS:
            return f"<mi>{name}</mi>"
        if name in SPACES:
            return f'<mspace width="{SPACES[name]}"></mspace>'
        if name in STYLES:
            return ""
        if name in ACCENTS:
            return f'<mover accent="true">{self.group()}<mo>{ACCENTS[name]}</mo></mover>'
        return self.built(name)

    def built(self, name: str) -> str:
        """A fraction, root, word or pair of brackets."""
        if name in ("frac", "tfrac", "dfrac"):
            return f"<mfrac>{self.group()}{self.group()}</mfrac>"
        if name == "sqrt":
            return f"<msqrt>{self.group()}</msqrt>"
        if name in FONTS:
            return f'<mtext style="font-weight: {FONTS[name]}">{escape(self.raw())}</mtext>'
        if name == "left":
            return self.brackets()
        raise Unknown(name)

    def raw(self) -> str:
        """The words between braces, blanks kept."""
        if self.peek() != "{":
            return self.take()
        self.place += 1
        end = next((k for k in range(self.place, len(self.tokens)) if self.tokens[k] in ("}", "{")), len(self.tokens))
        if end == len(self.tokens) or self.tokens[end] == "{":
            raise Unknown("braces in words")
        words = "".join(self.tokens[self.place : end]).replace("\\", "")
        self.place = end + 1
        return words

    def brackets(self) -> str:
        r"""`\left( … \right)`."""
        opened = self.fence()
        inner = self.row(("\\right",))
        if self.take() != "\\right":
            raise Unknown("\\left without \\right")
        return f"<mrow>{opened}{inner}{self.fence()}</mrow>"

    def fence(self) -> str:
        """One bracket; a point is none."""
        token = self.take()
        sign = SIGNS.get(token[1:], "") if token.startswith("\\") else token
        return "" if sign == "." else f'<mo stretchy="true">{escape(sign)}</mo>'


def scripts(base: str, below: str, above: str, limits: bool) -> str:
    """A base with its scripts, above and below it where it takes limits."""
    if below and above:
        tag = "munderover" if limits else "msubsup"
        return f"<{tag}>{base}{below}{above}</{tag}>"
    if below:
        tag = "munder" if limits else "msub"
        return f"<{tag}>{base}{below}</{tag}>"
    tag = "mover" if limits else "msup"
    return f"<{tag}>{base}{above}</{tag}>" if above else base
