// Adds empty rows to the blueprint editor. Without it there is one empty row for each save.
(() => {
  "use strict";
  for (const part of document.querySelectorAll("[data-rows]")) {
    const button = part.querySelector("[data-add]");
    const total = part.querySelector(`[name="${part.dataset.rows}-TOTAL_FORMS"]`);
    button.hidden = false;
    for (const blank of part.querySelectorAll("details[data-blank]")) blank.hidden = true;
    button.addEventListener("click", () => {
      const row = part.querySelector("template").content.firstElementChild.cloneNode(true);
      row.innerHTML = row.innerHTML.replaceAll("__prefix__", total.value);
      total.value = Number(total.value) + 1;
      part.querySelector("[data-into]").append(row);
      row.querySelector("input:not([type=hidden])").focus();
    });
  }
})();
