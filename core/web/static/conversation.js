// Inbox and conversations: live refresh while the page is in view, and a composer that counts along.
(function () {
  "use strict";

  var EVERY = 2500;

  function each(root, selector, action) {
    if (root.matches && root.matches(selector)) action(root);
    root.querySelectorAll(selector).forEach(action);
  }

  // ---- counting, by the tables that the server sends along ----------------------------------------

  function measure(text, rules) {
    var characters = Array.from(text);
    var plain = characters.every(function (c) { return rules.basic.includes(c) || rules.extension.includes(c); });
    var limits = plain ? rules.gsm7 : rules.ucs2;
    function cost(c) { return plain ? (rules.extension.includes(c) ? 2 : 1) : c.length; }
    var units = characters.reduce(function (sum, c) { return sum + cost(c); }, 0);
    var parts = 1, used = units, limit = limits[0];
    if (units > limits[0]) {
      limit = limits[1];
      used = 0;
      // A character of two units never lies across the border of two parts.
      characters.forEach(function (c) {
        if (used + cost(c) > limit) { parts += 1; used = 0; }
        used += cost(c);
      });
    }
    return { encoding: plain ? "gsm7" : "ucs2", units: units, parts: parts, left: limit - used, characters: characters.length };
  }

  function plainForm(text, rules) {
    return Array.from(text).map(function (c) { return c in rules.plain ? rules.plain[c] || "" : c; }).join("");
  }

  function compose(form) {
    var rules = JSON.parse(form.dataset.rules);
    var area = form.querySelector("textarea");
    var shown = form.querySelector("[data-count]");
    var offer = form.querySelector("[data-plain]");
    // The server counts what it will send: without white space around it, line ends as one character.
    function text() { return area.value.replace(/\r\n?/g, "\n").trim(); }
    function count() {
      var found = measure(text(), rules);
      var sentence = shown.dataset.text
        .replace("%characters", found.characters)
        .replace("%encoding", found.encoding === "gsm7" ? "GSM-7" : "Unicode")
        .replace("%parts", found.parts)
        .replace("%left", found.left);
      if (rules.cost) sentence += ", " + shown.dataset.cost.replace("%cost", "Rp" + (rules.cost * found.parts).toLocaleString(document.documentElement.lang));
      var tooLong = found.parts > rules.most;
      if (tooLong) sentence += ": " + shown.dataset.tooLong.replace("%most", rules.most);
      shown.textContent = sentence;
      shown.classList.toggle("is-too-long", tooLong);
      var cheaper = measure(plainForm(text(), rules), rules);
      offer.hidden = cheaper.parts > found.parts || cheaper.parts === found.parts && cheaper.units >= found.units;
      offer.textContent = offer.dataset.text.replace("%parts", cheaper.parts);
    }
    area.addEventListener("input", count);
    offer.addEventListener("click", function () {
      area.value = plainForm(area.value, rules);
      area.dispatchEvent(new Event("input", { bubbles: true }));
      area.focus();
    });
    area.addEventListener("keydown", function (event) {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    count();
  }

  // ---- live refresh ---------------------------------------------------------------------------------

  setInterval(function () {
    if (document.visibilityState !== "visible") return;
    document.querySelectorAll("[data-live]").forEach(function (node) { htmx.trigger(node, "abah:live"); });
  }, EVERY);

  // A look that fails is repeated in a moment; nobody needs a notice for it.
  ["htmx:sendError", "htmx:timeout", "htmx:responseError"].forEach(function (name) {
    document.addEventListener(name, function (event) {
      if (event.target.matches && event.target.matches("[data-live]")) event.stopImmediatePropagation();
    }, true);
  });
  document.addEventListener("htmx:beforeSwap", function (event) {
    var asking = event.detail.requestConfig && event.detail.requestConfig.elt;
    if (!asking || !asking.matches("[data-live]")) return;
    var xhr = event.detail.xhr;
    var elsewhere = new URL(xhr.responseURL).pathname !== event.detail.pathInfo.requestPath.split("?")[0];
    if (xhr.status < 400 && !elsewhere) return;
    event.detail.shouldSwap = false;
    event.stopImmediatePropagation();
    // Signed out, or the conversation is gone: asking again is useless.
    if (xhr.status < 500) asking.removeAttribute("data-live");
  }, true);

  function atEnd(box) { return box.scrollHeight - box.scrollTop - box.clientHeight < 80; }
  function toEnd(box) { box.scrollTop = box.scrollHeight; }

  var following = false;
  document.addEventListener("htmx:beforeSwap", function (event) {
    var box = event.detail.target.closest && event.detail.target.closest("[data-scroll]");
    following = !!box && (atEnd(box) || event.detail.requestConfig.verb === "post");
  });
  document.addEventListener("htmx:afterSettle", function (event) {
    var target = event.detail.target;
    if (!target || !target.matches) return;
    if (target.matches("[data-log]")) settleLog(target);
    if (target.matches("#threads") || target.closest(".inbox-scroll")) settleInbox();
    if (target.matches("#pane")) {
      target.closest("[data-messaging]").classList.add("has-conversation");
      settleInbox();
    }
  });

  function settleLog(log) {
    var seen = new Set();
    log.querySelectorAll("[data-message]").forEach(function (row) {
      if (seen.has(row.id)) row.remove();
      seen.add(row.id);
    });
    var box = log.closest("[data-scroll]");
    var jump = box.parentElement.querySelector("[data-jump]");
    if (following) toEnd(box);
    else if (!atEnd(box)) jump.hidden = false;
  }

  function settleInbox() {
    var seen = new Set();
    document.querySelectorAll("[data-thread]").forEach(function (row) {
      if (seen.has(row.dataset.thread)) { row.remove(); return; }
      seen.add(row.dataset.thread);
      var link = row.querySelector("a");
      if (link.pathname === location.pathname) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
  }

  // What came in while the page was in view has been read.
  function markRead(node) {
    htmx.ajax("POST", node.dataset.read, { source: document.body, target: document.body, swap: "none" });
    node.remove();
  }

  document.addEventListener("htmx:oobAfterSwap", function (event) {
    // The event speaks of the element that was replaced.
    var place = event.detail.target.id && document.getElementById(event.detail.target.id);
    var area = place && place.querySelector("[data-composer] textarea");
    if (area) area.focus();
  });

  // ---- opening a conversation beside the list -------------------------------------------------------

  document.addEventListener("click", function (event) {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    var link = event.target.closest("a[data-pane-link]");
    var pane = document.getElementById("pane");
    if (!link || !pane || !pane.offsetParent) return;
    event.preventDefault();
    htmx.ajax("GET", link.href, { source: link, target: "#pane", swap: "innerHTML show:none" }).then(function () {
      history.pushState({}, "", link.href);
      settleInbox();
      var area = pane.querySelector("[data-composer] textarea");
      if (area) area.focus();
    });
  });
  window.addEventListener("popstate", function () {
    if (document.querySelector("[data-messaging]")) location.reload();
  });

  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      document.querySelectorAll(".tick:hover, .tick:focus-within").forEach(function (tick) { tick.classList.add("tick-dismissed"); });
      return;
    }
    var list = document.querySelector(".inbox-scroll");
    var typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    if (!list || typing || event.ctrlKey || event.metaKey || event.altKey || (event.key !== "j" && event.key !== "k")) return;
    var links = Array.from(list.querySelectorAll("a[data-pane-link]"));
    var now = links.indexOf(document.activeElement);
    if (now < 0) now = links.findIndex(function (link) { return link.hasAttribute("aria-current"); });
    var next = links[event.key === "j" ? now + 1 : Math.max(now - 1, 0)];
    if (next) next.focus();
  });
  ["mouseover", "focusin"].forEach(function (name) {
    document.addEventListener(name, function (event) {
      var tick = event.target.closest && event.target.closest(".tick");
      if (!tick) return;
      // The proof opens upwards, unless the box it scrolls in has no room there.
      var proof = tick.querySelector(".tick-proof");
      var box = tick.closest("[data-scroll]");
      if (proof && box) tick.classList.toggle("tick-below", tick.getBoundingClientRect().top - box.getBoundingClientRect().top < proof.offsetHeight + 8);
    });
  });
  ["mouseout", "focusout"].forEach(function (name) {
    document.addEventListener(name, function (event) {
      var tick = event.target.closest && event.target.closest(".tick-dismissed");
      if (tick) tick.classList.remove("tick-dismissed");
    });
  });

  // ---- every new piece of page ----------------------------------------------------------------------

  function prepare(root) {
    each(root, "form[data-composer]", compose);
    each(root, "[data-read]", markRead);
    each(root, "[data-conversation]", function (conversation) {
      var box = conversation.querySelector("[data-scroll]");
      var fresh = conversation.querySelector(".new-line");
      var wanted = location.hash && conversation.querySelector(location.hash);
      if (!wanted) {
        if (fresh) box.scrollTop = Math.max(0, fresh.offsetTop - box.offsetTop - 16);
        else toEnd(box);
      }
      var jump = conversation.querySelector("[data-jump]");
      jump.addEventListener("click", function () { toEnd(box); jump.hidden = true; box.focus(); });
      box.addEventListener("scroll", function () { if (atEnd(box)) jump.hidden = true; });
    });
  }

  document.addEventListener("htmx:load", function (event) {
    if (event.detail.elt !== document.body) prepare(event.detail.elt);
  });
  document.addEventListener("DOMContentLoaded", function () { prepare(document.body); });
  document.addEventListener("shown.bs.modal", function (event) {
    each(event.target, "[data-scroll]", function (box) { if (!box.querySelector(".new-line")) toEnd(box); });
  });

  window.abahMeasure = measure;
})();
