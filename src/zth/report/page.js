// Folds the contents, switches the theme, copies commands and draws the plots. Plotly comes after this script.
(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector) => [...document.querySelectorAll(selector)];

  // ---- contents: open beside the text, folded above it on a narrow screen
  const contents = document.querySelector(".contents details");
  const narrow = matchMedia("(max-width: 62rem)");
  const fold = () => { contents.open = !narrow.matches; };
  fold();
  narrow.addEventListener("change", fold);
  contents.addEventListener("click", (event) => {
    if (narrow.matches && event.target.closest("a")) contents.open = false;
  });
  const here = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const link = contents.querySelector(`a[href="#${CSS.escape(target.id)}"]`);
      if (isIntersecting) link?.setAttribute("aria-current", "true");
      else link?.removeAttribute("aria-current");
    }
  }, { rootMargin: "-12% 0px -87% 0px" });
  all("main > section").forEach((section) => here.observe(section));

  // ---- theme
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  const theme = () => root.dataset.theme ?? (system.matches ? "dark" : "light");
  const other = () => (theme() === "dark" ? "light" : "dark");
  const label = () => {
    button.textContent = other() === "dark" ? "Dark" : "Light";
    button.setAttribute("aria-label", `Switch to ${other()} colours`);
  };
  button.addEventListener("click", () => {
    root.dataset.theme = other();
    try {
      localStorage.setItem("zth-theme", root.dataset.theme);
    } catch {
      // then it lasts as long as the page
    }
    label();
    recolour();
  });
  system.addEventListener("change", () => { label(); recolour(); });
  button.hidden = false;
  label();

  // ---- commands
  for (const block of all("pre.command")) {
    const copy = document.createElement("button");
    copy.type = "button";
    copy.textContent = "Copy";
    copy.addEventListener("click", async () => {
      const text = block.querySelector("code").textContent;
      try {
        await navigator.clipboard.writeText(text);
        copy.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(block.querySelector("code"));
        copy.textContent = "Selected";
      }
      setTimeout(() => { copy.textContent = "Copy"; }, 1500);
    });
    block.append(copy);
  }

  // ---- plots: the page's colours come from its style sheet, through an element that resolves them
  const probe = document.body.appendChild(document.createElement("i"));
  probe.hidden = true;
  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const template = () => {
    const [ink, soft, line, card] = ["ink", "soft", "line", "card"].map(colour);
    const axis = {
      gridcolor: line, linecolor: line, zerolinecolor: line, zerolinewidth: 1, automargin: true,
      tickfont: { color: soft }, title: { font: { color: soft, size: 13 }, standoff: 10 },
    };
    const scale = [[0, colour("scale-low")], [0.5, colour("scale-middle")], [1, colour("scale-high")]];
    const bar = { colorbar: { outlinewidth: 0, thickness: 12, tickfont: { color: soft } } };
    return {
      layout: {
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
        font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: ink },
        colorway: [1, 2, 3, 4, 5, 6, 7].map((i) => colour(`series-${i}`)),
        colorscale: { sequential: scale }, coloraxis: bar,
        xaxis: axis, yaxis: axis, autotypenumbers: "strict",
        margin: { l: 16, r: 16, t: 16, b: 16 },
        legend: { orientation: "h", x: 0, xanchor: "left", y: 1.02, yanchor: "bottom" },
        hoverlabel: { bgcolor: card, bordercolor: line, font: { color: ink } },
        modebar: { bgcolor: "rgba(0,0,0,0)", color: line, activecolor: soft },
      },
      data: {
        heatmap: [{ colorscale: scale, ...bar }], contour: [{ colorscale: scale, ...bar }],
        bar: [{ marker: { line: { width: 0 } } }], histogram: [{ marker: { line: { width: 0 } } }],
      },
    };
  };
  // a finger that scrolls the page must not zoom the plot
  const touch = matchMedia("(pointer: coarse)").matches;
  const config = {
    responsive: true, displaylogo: false, displayModeBar: touch ? false : "hover",
    // sharing would upload the plot to somebody's server
    plotlyServerURL: "", modeBarButtonsToRemove: ["sendChartToCloud", "select2d", "lasso2d", "autoScale2d"],
  };
  const plots = all(".plot");

  const draw = async (place) => {
    if (place.dataset.drawn) return;
    place.dataset.drawn = "drawing";
    try {
      const { data, layout } = JSON.parse(document.getElementById(place.dataset.plot).textContent);
      const ours = { autosize: true, template: template(), ...(touch && { dragmode: false }) };
      await Plotly.newPlot(place, data, { ...layout, ...ours }, config);
      place.dataset.drawn = "true";
    } catch (error) {
      place.dataset.drawn = "failed";
      place.className = "notice";
      place.textContent = `This plot cannot be drawn: ${error.message ?? error}`;
    }
  };
  const drawn = () => plots.filter((place) => place.dataset.drawn === "true");
  const recolour = () => drawn().forEach((place) => Plotly.relayout(place, { template: template() }));

  // First what is in sight, then the rest whenever the browser has nothing else to do, so that printing finds all.
  const idle = (task) => (window.requestIdleCallback ? requestIdleCallback(task, { timeout: 300 }) : setTimeout(task, 30));
  const drawRest = async () => {
    const next = plots.find((place) => !place.dataset.drawn);
    if (next) {
      await draw(next);
      idle(drawRest);
    } else {
      root.dataset.requests = performance.getEntriesByType("resource").length;
      root.dataset.overflow = root.scrollWidth - root.clientWidth;
      root.dataset.ready = "true";
    }
  };
  addEventListener("DOMContentLoaded", () => {
    const sight = new IntersectionObserver((entries) => {
      for (const entry of entries) if (entry.isIntersecting) draw(entry.target);
    }, { rootMargin: "300px" });
    plots.forEach((place) => sight.observe(place));
    idle(drawRest);
  });

  // ---- paper: light, and as wide as a sheet
  addEventListener("beforeprint", () => {
    root.dataset.printing = "true";
    plots.forEach(draw);
    drawn().forEach((place) => Plotly.relayout(place, { template: template(), width: 640 }));
  });
  addEventListener("afterprint", () => {
    delete root.dataset.printing;
    drawn().forEach((place) => Plotly.relayout(place, { template: template(), width: null, autosize: true }));
  });
})();
