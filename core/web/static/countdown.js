// Counts down the seconds until something may be asked for again; without it the server says how long to wait.
(function () {
  "use strict";

  document.querySelectorAll("[data-countdown]").forEach(function (line) {
    var end = Date.now() + Number(line.dataset.countdown) * 1000;
    var buttons = document.querySelectorAll("[data-countdown-button]");
    function show() {
      var rest = Math.ceil((end - Date.now()) / 1000);
      buttons.forEach(function (button) { button.disabled = rest > 0; });
      line.textContent = rest > 0 ? line.dataset.countdownText.replace("%n", rest) : line.dataset.countdownDone;
      if (rest > 0) setTimeout(show, 500);
    }
    show();
  });
})();
