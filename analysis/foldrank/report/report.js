"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const read = (id) => JSON.parse(byId(id).textContent);

  // ---- plots: what is in view at once, the others one after the other while nobody waits, or
  // when they come near; data-drawn and data-complete tell when the two were done [ms] ----
  const figures = read("figures");
  const narrow = () => window.innerWidth < 700;

  // Several plots side by side stand below each other on a phone.
  function stack(figure) {
    const layout = figure.layout;
    const used = new Set(figure.data.map((trace) => (trace.xaxis || "x").replace("x", "xaxis")));
    const axes = Object.keys(layout).filter((key) => used.has(key));
    if (axes.length < 2) return;
    const n = axes.length, gap = 0.36 / n, size = (1 - gap * (n - 1)) / n;
    axes.forEach((key, i) => {
      const other = "y" + key.slice(1);
      layout[key].domain = [0, 1];
      layout[key].automargin = false;
      delete layout[key].title.standoff;
      const top = 1 - i * (size + gap);
      layout[other].domain = [Math.max(0, top - size), top];
      layout[other].showticklabels = true;
    });
    layout.height = 90 + 230 * n;
    if (layout.coloraxis) {
      layout.coloraxis.colorbar = Object.assign(layout.coloraxis.colorbar || {},
        {orientation: "h", len: 1, y: 1, yanchor: "bottom", x: 0.5});
    }
  }

  // Break a long title near its middle.
  function wrap(text, most) {
    if (text.length <= most) return text;
    const places = [...text.matchAll(/ /g)].map((match) => match.index);
    if (places.length === 0) return text;
    const middle = text.length / 2;
    const at = places.reduce((a, b) => Math.abs(b - middle) < Math.abs(a - middle) ? b : a);
    return text.slice(0, at) + "<br>" + text.slice(at + 1);
  }

  function draw(id, which) {
    const node = byId(id), figure = structuredClone(figures[id][which]);
    const layout = figure.layout;
    layout.autosize = true;
    if (narrow()) {
      layout.font.size = 11;
      stack(figure);
      Object.keys(layout).filter((key) => /^[xy]axis/.test(key)).forEach((key) => {
        const title = layout[key].title;
        if (title && title.text) title.text = wrap(title.text, key[0] === "x" ? 34 : 44);
      });
      figure.data.forEach((trace) => { if (trace.textfont) trace.textfont.size = 8; });
      node.style.height = layout.height + "px";
    }
    const config = {responsive: true, displaylogo: false,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
      displayModeBar: narrow() ? false : "hover"};
    return Plotly.react(node, figure.data, layout, config);
  }

  const waiting = new Set(Object.keys(figures)), near = new Set();
  const root = document.documentElement.dataset;
  const idle = window.requestIdleCallback || ((work) => setTimeout(work, 1));

  function take(id) {
    near.delete(id);
    waiting.delete(id);
    return draw(id, 0);
  }
  function next() {
    if (near.size === 0 && !root.drawn) root.drawn = Math.round(performance.now());
    if (waiting.size === 0) {
      root.complete = Math.round(performance.now());
      return;
    }
    const [id] = near.size > 0 ? near : waiting;
    take(id).then(() => near.size > 0 ? setTimeout(next, 0) : idle(next, {timeout: 500}));
  }
  const watcher = new IntersectionObserver((entries) => {
    entries.forEach(({target, isIntersecting}) => {
      if (isIntersecting && waiting.has(target.id)) near.add(target.id);
      else near.delete(target.id);
    });
  }, {rootMargin: "300px 0px"});
  window.addEventListener("beforeprint", () => [...waiting].forEach(take));

  function begin() {
    const height = window.innerHeight + 300;
    waiting.forEach((id) => {
      if (byId(id).getBoundingClientRect().top < height) near.add(id);
      watcher.observe(byId(id));
    });
    next();
  }
  document.querySelectorAll("select[data-for]").forEach((select) => {
    select.addEventListener("change", () => {
      waiting.delete(select.dataset.for);
      near.delete(select.dataset.for);
      draw(select.dataset.for, Number(select.value));
    });
  });

  // ---- the table ----
  const table = read("rows"), STEP = 50;
  const numeric = table.columns.map((_, c) =>
    table.rows.some((row) => typeof row[c] === "number"));
  let sorted = {column: -1, down: false}, shown = STEP, rows = table.rows;
  const body = byId("table").tBodies[0], head = byId("table").tHead.insertRow();

  const compare = (c, down) => (a, b) => {
    const x = a[c], y = b[c];
    if (x === null || y === null) return (x === null) - (y === null);
    const order = typeof x === "number" && typeof y === "number"
      ? x - y : String(x).localeCompare(String(y));
    return down ? -order : order;
  };

  const TESTS = {"<": (a, b) => a < b, ">": (a, b) => a > b, "<=": (a, b) => a <= b,
    ">=": (a, b) => a >= b, "=": (a, b) => a === b, "!=": (a, b) => a !== b};

  // One word of the filter: column<number, column=value, or a text that a cell contains.
  function condition(word) {
    const parts = word.match(/^(.+?)(<=|>=|!=|<|>|=)(.*)$/);
    const column = parts ? table.columns.indexOf(parts[1]) : -1;
    if (column < 0) {
      const text = word.toLowerCase();
      return (row) => row.some((cell) =>
        cell !== null && String(cell).toLowerCase().includes(text));
    }
    const number = Number(parts[3]), test = TESTS[parts[2]];
    return (row) => {
      const cell = row[column];
      if (cell === null) return false;
      return typeof cell === "number" && parts[3] !== "" && !Number.isNaN(number)
        ? test(cell, number) : test(String(cell), parts[3]);
    };
  }

  function show() {
    body.replaceChildren(...rows.slice(0, shown).map((row) => {
      const line = document.createElement("tr");
      if (row[0] === table.chosen) line.className = "chosen";
      row.forEach((cell, c) => {
        const item = line.insertCell();
        item.textContent = cell === null ? "" : cell;
        if (numeric[c]) item.className = "number";
        else if (typeof cell === "string" && cell.length > 40) item.title = cell;
      });
      return line;
    }));
    byId("count").textContent = rows.length === table.rows.length
      ? rows.length + " trials" : rows.length + " of " + table.rows.length + " trials";
    byId("more").hidden = rows.length <= shown;
    byId("more").textContent = "show more (" + Math.max(rows.length - shown, 0) + ")";
  }

  function update() {
    const tests = byId("filter").value.split(/\s+/).filter(Boolean).map(condition);
    rows = table.rows.filter((row) => tests.every((test) => test(row)));
    if (sorted.column >= 0) rows.sort(compare(sorted.column, sorted.down));
    show();
  }

  table.columns.forEach((name, c) => {
    const cell = document.createElement("th"), button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    if (numeric[c]) cell.className = "number";
    cell.appendChild(button);
    head.appendChild(cell);
    button.addEventListener("click", () => {
      sorted = {column: c, down: sorted.column === c && !sorted.down};
      [...head.cells].forEach((other) => other.removeAttribute("aria-sort"));
      cell.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
      update();
    });
  });
  byId("filter").addEventListener("input", () => { shown = STEP; update(); });
  byId("more").addEventListener("click", () => { shown += 500; show(); });

  const field = (cell) => {
    const text = cell === null ? "" : String(cell);
    return /[",\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  byId("csv").addEventListener("click", () => {
    const text = [table.columns, ...rows].map((row) => row.map(field).join(",")).join("\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text + "\n"], {type: "text/csv"}));
    link.download = table.name + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  byId("copy").addEventListener("click", () => {
    if (navigator.clipboard) navigator.clipboard.writeText(byId("study").textContent);
    else getSelection().selectAllChildren(byId("study"));
  });

  show();
  setTimeout(begin, 0);
})();
