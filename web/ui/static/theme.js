// Runs before the page is painted, so that a remembered theme does not flash.
// The switch itself is in ui.js. Without a remembered choice the system decides.
(() => {
  try {
    const theme = localStorage.getItem("banyan.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch { /* storage may be blocked: the system's theme stays */ }
})();
