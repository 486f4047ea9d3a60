// Filters the table of files, and fades the boxes of the maps that don't match.
const search = document.getElementById("search");
const listed = Number(search.dataset.listed);
const result = document.getElementById("result");
const rows = [...document.querySelectorAll("#files tbody tr")].map((row) => [row, row.lastElementChild.textContent]);
const boxes = [...document.querySelectorAll(".cell")].map((box) => [box, box.title]);

function show() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (text) => words.every((word) => text.toLowerCase().includes(word));
  let found = 0, size = 0;
  for (const [row, path] of rows) {
    const match = matches(path);
    row.hidden = !match || found >= listed;
    found += match;
    size += match ? Number(row.dataset.size) : 0;
  }
  for (const [box, title] of boxes) box.classList.toggle("faded", !matches(title));
  const more = found > listed ? `, the largest ${listed} below` : "";
  result.textContent = `${found} files, ${(size / 1e6).toFixed(1)} MB${more}`;
}

document.getElementById("searching").hidden = false;
search.addEventListener("input", show);
show();
