// The data sets as pictures to choose from. The pictures come from the server; nothing is computed here.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gallery");
  const series = getComputedStyle(root).getPropertyValue("--st-chart-categorical-colors").split(",").map((c) => c.trim());
  root.style.setProperty("--minus", series[0] || "#d9480f");
  root.style.setProperty("--plus", series[1] || "#0b7a75");
  if (root.shown !== data.html) {
    root.innerHTML = data.html;
    root.shown = data.html;
  }
  for (const radio of root.querySelectorAll("input")) radio.checked = radio.value === data.chosen;
  root.querySelector(".chosen").textContent = data.title;
  root.onchange = (event) => setTriggerValue("pick", { name: event.target.value, at: Date.now() });
}
