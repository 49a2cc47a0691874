"""The catalogue of mistakes: a code, a name and a hint for each (DOMAIN C.1–C.3, C.5, C.6)."""

from __future__ import annotations

from dataclasses import dataclass

from dosegrade.registry import Registry


@dataclass(frozen=True)
class Entry:
    """A mistake as it is told to a student: what it is called, and a hint that asks rather than tells."""

    code: str
    name: str
    hint: str

    @property
    def question(self) -> str:
        """The hint without "right up to the convention of …", which another mistake beside this one makes untrue."""
        convention, colon, question = self.hint.partition(": ")
        return question[0].upper() + question[1:] if colon and convention.startswith("Right up to the convention of ") else self.hint


_TEXT = """
G01 missing-factor-two | Right up to the convention of ½ in the loss: what is the derivative of (something)²?
G02 missing-mean | Right up to the convention of 1/n: the loss is an average over the samples; where is that average in your gradient?
G03 averaged-twice | The averaging happens twice on its way to your result.
G04 sign-flipped | Check in which order prediction and target are subtracted.
G05 loss-as-derivative | You passed the loss itself backwards, not its slope.
G06 sign-of-error | Which loss has a derivative of constant size? Is it the one stated?
G07 averaged-over-outputs | Right up to the convention of 1/M: over which axes does the stated loss average?
G08 root-mean-square | You differentiated a square root that the stated loss does not have.
G09 product-of-means | Is the average of a product the product of the averages?
G10 summed-error-for-all | Each sample's prediction has its own derivative; yours is one number for all.
G11 one-sample-only | Does every sample contribute to your result?
G12 accumulates-between-calls | What does your accumulator hold when the function is called again?
G13 no-loss-gradient | You have the derivative of the prediction; the derivative of what is asked for?
G14 target-added | Should the gradient vanish when prediction equals target? Try it.
G15 step-instead-of-gradient | You returned the step, or the result of the step: which one is asked for?
G16 clipped-or-normalised | The size of the gradient carries information; yours was cut or rescaled.
G17 penalty-added | Is there a penalty on the weights in the stated loss?
G18 rounded | Carry all digits until the last line.
G19 wrong-log-base | Which logarithm does the loss use?
G20 slope-on-linear-output | Does the output unit have an activation?
G21 output-slope-missing | Which function lies between the last z and the prediction?
G22 error-not-pulled-through | Is your error taken before or after the activation (ε or δ)?
G23 slope-missing-everywhere | One factor of the chain rule is missing at each hidden unit.
G24 slope-missing-last-hidden | Compare your hidden layers with each other: the same recipe? Look at the last one.
G25 slope-missing-first-hidden | Walk from the first activation back to its z: which derivative do you pass?
G26 slope-of-z | What goes into the formula for the slope, the activation's input or its output?
G27 activation-twice | You applied the activation once too often inside the derivative.
G28 slope-power | Check the powers and factors in your derivative of the activation.
G29 other-activations-slope | Which activation does this derivative belong to?
G30 slope-sign | Is the activation increasing or decreasing?
G31 slope-too-steep | How steep can the activation be at most? Check a sign in its derivative.
G32 value-for-slope | You multiplied with the activation's value, not with its slope.
G33 slope-twice | One activation derivative for each layer.
G34 slope-of-other-layer | Check the index: whose slope is this?
G35 slope-averaged | Slopes differ between samples.
G36 z-for-activation | What does the next layer actually receive?
G37 input-for-activation | What multiplied this weight in the forward pass?
G38 output-side-activation | Does a weight's gradient use the layer's input or its output?
G39 input-factor-missing | Differentiate W·h + b with respect to W.
G40 first-input-missing | Differentiate W·x + b with respect to W in the first layer.
G41 bias-times-input | Differentiate W·h + b with respect to b.
G42 bias-gradient-zero | Does the bias influence the loss?
G43 bias-not-summed | Every sample uses the same bias: what follows for its gradient?
G44 bias-averaged-differently | Treat W and b with the same averaging.
G45 transposed-gradient | Right up to the convention of a transpose: compare the arrangement with that of W itself.
G46 weight-not-transposed | Which units does this unit feed?
G47 wrong-layers-weight | Which weight connects this unit to the next layer?
G48 weight-missing | How strongly does this unit influence the next layer?
G49 weight-sign-or-inverse | Does the sign of the weight matter when an error passes back through it?
G50 mean-over-downstream | A unit influences several others: how are their errors combined?
G51 first-downstream-only | Every unit fed by this one passes an error back.
G52 bias-for-weight | Which entry is the bias, and which the first weight?
G53 stops-after-output | Does the loss depend on the first layer?
G54 updated-weights | When may you start changing the weights?
G55 forward-without-bias | Do your activations come from the full forward pass, biases included?
G56 layers-reordered | Check the names and the order of what you return.
G57 derivative-by-input | The derivative with respect to what is asked for?
G58 unit-of-the-loss | In which unit is the loss measured, raw or normalised?
G59 gate-missing | What is the slope of the activation for negative z?
G60 gate-from-gradient | Which quantity decides whether the unit is active?
G61 relu-slope-is-value | What is the slope of a straight line?
G63 leaky-slope | Which slope does the exercise state, and for which sign of z?
G64 elu-slope | Differentiate α(e^z−1).
G65 softmax-diagonal-only | Does raising one logit change the other probabilities?
G66 extra-softmax-slope | Some factors cancel here; you kept one.
G67 cross-entropy-sign | Which logit must grow when the true class is too unlikely?
G68 squared-error-instead | Which loss is stated?
G69 negatives-ignored | What does a negative example contribute?
G70 other-absolute-error | Which norm do the bars stand for here?
G71 divergence-reversed | Which distribution averages?
G72 hinge-labels | What values must the labels have?
G73 cosine-sign | Which direction should training move?
G74 parameter-count | Count the arrows, then the biases.
G75 up-the-slope | Up or down the slope?
G76 velocity | What does the velocity remember, and how often does the learning rate come in?
G77 bias-correction-missing | Why are m and v divided by 1−β^t?
G78 step-counter | Which step number is the first, and does it grow?
G79 second-moment | Of which power of the gradient is v the average?
G80 old-average | Is the average updated before or after it is used?
G81 coupled-decay | Does the decay pass through the scaling?
G82 dropout-scale | What keeps the expected activation constant?
G83 batch-order | How many samples does one update see?
G84 factor-two-twice | The factor 2 of the square appears twice.
G85 absolute-activation | Does the sign of the activation matter for the weight's gradient?
T01 gamma-lambda-swapped | Which of the two discounts future reward?
T02 trace-decays-by-lambda-only | Two things fade a trace.
T03 trace-decays-by-gamma-only | Two things fade a trace, each once.
T04 lambda-in-error | Does λ belong to the one-step error?
T05 trace-never-decays | Should old states keep full credit?
T06 no-trace | Which states deserve credit for this reward?
T07 current-state-only | Which components of z are non-zero?
T08 decay-after-adding | Full credit for the state just left.
T09 update-before-trace | What is the order of the three lines?
T10 trace-kept-between-episodes | What does a new episode know of the old one?
T11 weights-reset-each-episode | What is learned should stay.
T12 other-trace | What happens to z at the second visit of a state?
T13 dutch-trace-alone | Two changes make an algorithm true online.
T14 true-online | Which update rule was asked for?
T15 trace-of-next-state | Whose value is being corrected?
T16 trace-adds-ones | The gradient of v̂ with respect to w is …?
T17 error-in-trace | One δ per step is shared by all past states.
T18 step-size-twice | Count the step sizes.
T19 step-size-factor | Compare one component with a calculation by hand: which factor stands before δ·z?
T20 residual-gradient | The target is treated as a constant.
T21 bootstraps-from-the-end | What is the value after the end?
T22 no-bootstrap | What is missing from the target?
T23 bootstraps-from-current-state | Where did you end up?
T24 bootstrap-not-discounted | How much is a reward one step later worth today?
T25 whole-target-discounted | Is the immediate reward discounted?
T26 reward-one-step-early | Which reward follows the action at t?
T27 error-sign | Should v rise when the target is higher?
T28 value-missing-in-error | An error is a difference: target minus v(S).
T29 error-after-update | Both values come from the same weights, those before the update.
T30 weights-frozen | Online or offline: from which weights is the next error computed?
T31 transition-skipped | Count the updates.
T32 weights-overwritten | An update adds to what is already known.
R01 no-discount | Is a late reward worth as much as an early one here?
R02 discount-off-by-one | Which power of γ belongs to the first reward?
R03 looks-backward | A return looks forward.
R04 one-step-off | Count the rewards before the bootstrap.
R05 bootstrap-discount | Count the discount factors up to the bootstrap state.
R06 bootstraps-beyond-the-end | What is the value of a state after the end?
R07 weights-not-normalised | Do the weights of the n-step returns sum to one?
R08 tail-weight | Where does the remaining weight go?
R09 lambda-powers-off-by-one | Which weight does the one-step return get?
R10 lambda-on-rewards | What exactly is averaged with the weights λⁿ⁻¹?
R11 truncation-is-not-termination | Did the episode end, or did time run out?
Q01 terminal-not-masked | Are there actions to take after the end?
Q02 reward-masked | The last reward still counts.
Q03 mask-inverted | For which transitions does the future count?
Q04 target-network-not-used | Which parameters are frozen?
Q05 roles-swapped | Which network selects, which evaluates?
Q06 one-network-only | Two networks, two jobs: is each used?
Q07 other-policy | On- or off-policy?
Q08 weights-of-actions | With which weights are the next actions averaged?
Q09 index-for-value | An index is not a value.
Q10 wrong-axis | Along which axis do the actions lie?
Q11 current-state-maximum | Which state does the maximum refer to?
Q12 gradient-through-target | Which part of the error is held constant?
Q13 all-actions-updated | For which action did you observe an outcome?
Q14 first-visits-only | How often does a state count within one episode?
Q15 rows-or-columns | Which rows and columns belong in the data matrix?
"""


def _read(text: str) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for line in text.strip().splitlines():
        head, hint = line.split(" | ", 1)
        code, name = head.split(" ", 1)
        entries[code] = Entry(code, name, hint)
    return entries


CATALOGUE: Registry[Entry] = Registry("mistake", _read(_TEXT))
