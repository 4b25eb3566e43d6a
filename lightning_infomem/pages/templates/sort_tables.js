// A click on a heading sorts the table by that column, by the first number of each cell or by its text; a second click
// reverses the order. Cells without a value come last in both orders. Without scripts, the headings are plain text.
const value = (row, column) => {
  const text = row.cells[column].textContent.trim();
  const number = parseFloat(text.replace(/,/g, ""));
  return row.cells[column].classList.contains("number") ? number : text;
};
for (const head of document.querySelectorAll("thead th")) {
  const button = document.createElement("button");
  button.textContent = head.textContent;
  button.title = "sort by " + head.textContent;
  head.replaceChildren(button);
  button.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = head.closest("table").tBodies[0], column = head.cellIndex;
    const rows = [...body.rows].sort((a, b) => {
      const one = value(a, column), other = value(b, column);
      if (typeof one === "string") return (down ? -1 : 1) * one.localeCompare(other, undefined, {numeric: true});
      if (isNaN(one) || isNaN(other)) return isNaN(one) - isNaN(other);
      return down ? other - one : one - other;
    });
    body.append(...rows);
  });
}
