// Shows the drawing that came from the server and says which weight was pressed, by pointer or by keyboard.
export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".chain");
  const colors = getComputedStyle(parentElement.host ?? parentElement).getPropertyValue("--st-chart-categorical-colors");
  if (colors) root.style.setProperty("--ink", colors.split(",")[0].trim());
  if (root.shown !== data.html) {
    const held = root.getRootNode().activeElement?.dataset?.pick;
    root.innerHTML = data.html;
    root.shown = data.html;
    if (held) [...root.querySelectorAll(`[data-pick="${held}"]`)].find((g) => g.getClientRects().length)?.focus();
  }
  const pick = (event) => {
    const found = event.target.closest?.("[data-pick]");
    if (!found) return false;
    setTriggerValue("pick", { name: found.dataset.pick, at: Date.now() });
    return true;
  };
  root.onclick = pick;
  root.onkeydown = (event) => {
    if ((event.key === "Enter" || event.key === " ") && pick(event)) event.preventDefault();
  };
}
