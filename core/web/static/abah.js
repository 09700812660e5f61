// Behaviour of every page. Everything works without it; this makes it quicker.
(function () {
  "use strict";

  var DIALOG = { "X-Abah-Dialog": "1" };
  var dirty = new Set();
  var opener = null;

  function el(id) { return document.getElementById(id); }
  function each(root, selector, action) {
    if (root.matches && root.matches(selector)) action(root);
    root.querySelectorAll(selector).forEach(action);
  }
  function modal() { return bootstrap.Modal.getOrCreateInstance(el("dialog")); }
  function inDialog(node) { return !!node.closest("#dialog"); }

  // ---- dialogs ---------------------------------------------------------------------------------

  function load(verb, url, values) {
    var request = {
      target: "#dialog-content",
      swap: "innerHTML",
      values: values,
      headers: Object.assign({ "HX-Current-Path": location.pathname + location.search }, DIALOG),
    };
    el("dialog").setAttribute("aria-busy", "true");
    return htmx.ajax(verb, url, request).finally(function () { el("dialog").removeAttribute("aria-busy"); });
  }

  function openDialog(url, from) {
    opener = from;
    load("GET", url).then(function () {
      if (el("dialog-content").childElementCount) modal().show();
    });
  }

  // ---- the focus goes back to what opened the dialog, on the page that follows as well

  function leadsTo(node) { return node.getAttribute("formaction") || node.getAttribute("href") || ""; }

  function returnFocus() {
    var address = sessionStorage.getItem("opener");
    sessionStorage.removeItem("opener");
    if (!address || document.activeElement !== document.body) return;
    var same = Array.from(document.querySelectorAll("[data-dialog]")).find(function (node) {
      return leadsTo(node) === address && node.offsetParent;
    });
    if (same) same.focus();
  }

  function formValues(form, submitter) {
    var data = new FormData(form, submitter && submitter.name ? submitter : undefined);
    var values = {};
    data.forEach(function (value, name) {
      if (name in values) values[name] = [].concat(values[name], value);
      else values[name] = value;
    });
    return values;
  }

  document.addEventListener("click", function (event) {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    var link = event.target.closest("a[data-dialog]");
    if (link) {
      event.preventDefault();
      openDialog(link.href, link);
      return;
    }
    if (event.target.closest("#dialog [data-dialog-close]")) {
      event.preventDefault();
      modal().hide();
    }
  });

  document.addEventListener("submit", function (event) {
    var form = event.target;
    var submitter = event.submitter;
    if (event.defaultPrevented) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    var method = (submitter && submitter.getAttribute("formmethod")) || form.getAttribute("method") || "get";
    var action = (submitter && submitter.getAttribute("formaction")) || form.getAttribute("action") || location.href;
    if (submitter && submitter.hasAttribute("data-dialog") && method.toLowerCase() === "get") {
      event.preventDefault();
      var query = new URLSearchParams(new FormData(form)).toString();
      openDialog(action + (action.includes("?") ? "&" : "?") + query, submitter);
      return;
    }
    if (inDialog(form) && form.enctype !== "multipart/form-data" && !form.hasAttribute("hx-post")) {
      event.preventDefault();
      dirty.delete(form);
      sent(form, submitter);
      var url = form.getAttribute("action") || el("dialog-content").dataset.url || location.href;
      load(method.toUpperCase(), (submitter && submitter.getAttribute("formaction")) || url, formValues(form, submitter))
        .finally(function () { unsent(form); });
      return;
    }
    if (method.toLowerCase() === "post") {
      dirty.delete(form);
      sent(form, submitter);
    }
  });

  // A second click while the first is under way does nothing; the server is safe against it anyway.
  function sent(form, submitter) {
    form.dataset.sent = "1";
    if (submitter) submitter.setAttribute("aria-busy", "true");
    // Disabled after the browser has read the form, or the pressed button's own value would be lost.
    setTimeout(function () {
      if (!form.dataset.sent) return;
      form.querySelectorAll("button[type=submit]").forEach(function (button) { button.disabled = true; });
    }, 0);
  }
  function unsent(form) {
    delete form.dataset.sent;
    form.querySelectorAll("button[type=submit]").forEach(function (button) {
      button.disabled = false;
      button.removeAttribute("aria-busy");
    });
  }
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) document.querySelectorAll("form[data-sent]").forEach(unsent);
  });

  // ---- htmx ------------------------------------------------------------------------------------

  document.addEventListener("htmx:configRequest", function (event) {
    if (event.detail.headers["X-Abah-Dialog"]) el("dialog-content").dataset.url = event.detail.path;
  });

  // Errors are shown in the dialog, or where a form expects them; elsewhere as a short notice.
  document.addEventListener("htmx:beforeSwap", function (event) {
    var status = event.detail.xhr.status;
    if (status < 400 || status === 422 || inDialog(event.detail.target)) return;
    event.detail.shouldSwap = false;
    var words = el("toasts").dataset;
    notice(event.detail.xhr.getResponseHeader("X-Abah-Signed-Out") ? words.signedOut : words.failed);
  });
  document.addEventListener("htmx:afterRequest", function (event) {
    var form = event.detail.elt.closest("form");
    if (form && event.detail.successful) dirty.delete(form);
  });
  document.addEventListener("htmx:sendError", function () { notice(el("toasts").dataset.failed); });
  document.addEventListener("htmx:timeout", function () { notice(el("toasts").dataset.failed); });
  document.addEventListener("htmx:beforeOnLoad", function (event) {
    if (!event.detail.xhr.getResponseHeader("HX-Redirect")) return;
    dirty.clear();
    if (opener) sessionStorage.setItem("opener", leadsTo(opener));
  });

  function notice(sentence) {
    var told = Array.from(document.querySelectorAll("#toasts .toast-body"));
    if (told.some(function (body) { return body.textContent === sentence; })) return;
    var toast = document.createElement("div");
    toast.className = "toast text-bg-danger";
    toast.setAttribute("role", "alert");
    var body = document.createElement("div");
    body.className = "toast-body";
    body.textContent = sentence;
    toast.append(body);
    el("toasts").append(toast);
    toast.addEventListener("hidden.bs.toast", function () { toast.remove(); });
    bootstrap.Toast.getOrCreateInstance(toast, { delay: 8000 }).show();
  }

  // ---- leaving typed text ----------------------------------------------------------------------

  document.addEventListener("input", function (event) {
    var form = event.target.closest("form[data-guard]");
    if (form) dirty.add(form);
  });
  function unsaved(root) {
    var found = false;
    dirty.forEach(function (form) {
      if (!form.isConnected) dirty.delete(form);
      else if (root.contains(form)) found = true;
    });
    return found;
  }
  window.addEventListener("beforeunload", function (event) {
    if (unsaved(document)) event.preventDefault();
  });

  // ---- what is done to every new piece of page ---------------------------------------------------

  function calendar(field) {
    var typed = field.querySelector("input:not([data-date-native])");
    var native = field.querySelector("[data-date-native]");
    var button = field.querySelector("[data-date-open]");
    if (!native.showPicker) return;
    button.hidden = false;
    button.addEventListener("click", function () {
      var parts = typed.value.match(/^\s*(\d{1,2})\D(\d{1,2})\D(\d{4})\s*$/);
      native.value = parts ? [parts[3], parts[2].padStart(2, "0"), parts[1].padStart(2, "0")].join("-") : "";
      native.showPicker();
    });
    native.addEventListener("change", function () {
      if (!native.value) return;
      typed.value = native.value.split("-").reverse().join("/");
      typed.dispatchEvent(new Event("input", { bubbles: true }));
      typed.dispatchEvent(new Event("change", { bubbles: true }));
      typed.focus();
    });
  }

  function counter(area) {
    var shown = el(area.dataset.counter);
    function count() {
      var length = Array.from(area.value).length;
      shown.textContent = shown.dataset.text.replace("%n", length).replace("%limit", shown.dataset.limit);
      shown.classList.toggle("text-danger", length > Number(shown.dataset.limit));
    }
    area.addEventListener("input", count);
    count();
  }

  function selection(list) {
    var all = list.querySelector("[data-check-all]");
    var bar = list.querySelector("[data-bulk]");
    if (!all || !bar) return;
    var boxes = Array.from(list.querySelectorAll("input[name=pilih]"));
    var everything = bar.querySelector("[data-bulk-all] input");
    var shown = bar.querySelector("[data-bulk-count]");
    function refresh() {
      var checked = boxes.filter(function (box) { return box.checked; }).length;
      all.checked = checked === boxes.length;
      all.indeterminate = checked > 0 && checked < boxes.length;
      if (everything) {
        if (!all.checked) everything.checked = false;
        everything.closest("[data-bulk-all]").hidden = !all.checked;
      }
      shown.textContent = checked && !(everything && everything.checked) ? shown.dataset.text.replace("%n", checked) : "";
    }
    all.addEventListener("change", function () {
      boxes.forEach(function (box) { box.checked = all.checked; });
      refresh();
    });
    list.addEventListener("change", function (event) { if (event.target !== all) refresh(); });
    refresh();
  }

  function keepOpen(panel) {
    var key = "open:" + panel.dataset.keepOpen;
    if (sessionStorage.getItem(key)) panel.open = true;
    panel.addEventListener("toggle", function () {
      if (panel.open) sessionStorage.setItem(key, "1");
      else sessionStorage.removeItem(key);
    });
  }

  function prepare(root) {
    // Our own words at the fields, instead of the browser's bubbles in its own language.
    each(root, "form[method=post]", function (form) { form.noValidate = true; });
    each(root, "[data-date-field]", calendar);
    each(root, "textarea[data-counter]", counter);
    each(root, "[data-list]", selection);
    each(root, "details[data-keep-open]", keepOpen);
    each(root, "[data-error-summary]", function (summary) { summary.focus(); });
    each(root, "[data-focus]", function (node) { node.focus(); });
  }

  document.addEventListener("htmx:load", function (event) {
    if (event.detail.elt !== document.body) prepare(event.detail.elt);
  });

  document.addEventListener("DOMContentLoaded", function () {
    prepare(document.body);
    returnFocus();
    var dialog = el("dialog");
    // Somebody quick is typing already while the dialog still moves in; Bootstrap then takes the
    // focus to the dialog itself, just before it says "shown".
    var place = null;
    dialog.addEventListener("show.bs.modal", function () { place = null; });
    dialog.addEventListener("focusin", function (event) {
      if (event.target !== dialog) place = event.target;
    });
    dialog.addEventListener("shown.bs.modal", function () {
      if (place && place.isConnected) return place.focus();
      var first = dialog.querySelector("[data-focus], [data-error-summary], [autofocus]") ||
        dialog.querySelector(".modal-body input:not([type=hidden]):not([tabindex='-1']), .modal-body select, .modal-body textarea");
      if (first) first.focus();
    });
    dialog.addEventListener("hide.bs.modal", function (event) {
      if (unsaved(dialog) && !window.confirm(el("toasts").dataset.leave)) event.preventDefault();
    });
    dialog.addEventListener("hidden.bs.modal", function () {
      el("dialog-content").replaceChildren();
      if (opener && opener.isConnected) opener.focus();
      opener = null;
    });
  });

  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-print]")) window.print();
    // Back in the browser's own history, where it leads to one of our pages, keeps what was typed there.
    if (event.target.closest("[data-back]") && history.length > 1 && document.referrer.startsWith(location.origin)) {
      event.preventDefault();
      history.back();
    }
  });

  // The address in an error summary leads to its field and puts the cursor there.
  document.addEventListener("click", function (event) {
    var link = event.target.closest(".error-summary a[href^='#']");
    var field = link && el(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.scrollIntoView({ block: "center" });
  });

  // ---- keys ------------------------------------------------------------------------------------

  document.addEventListener("keydown", function (event) {
    var typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable;
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      var search = document.querySelector("[data-quick-search]");
      if (search && !el("dialog").classList.contains("show")) {
        event.preventDefault();
        var menu = search.closest(".navbar-collapse");
        if (menu && getComputedStyle(search).display !== "none" && !search.offsetParent) {
          bootstrap.Collapse.getOrCreateInstance(menu).show();
        }
        search.focus();
        search.select();
      }
    }
    // A link that looks like a button answers to the space bar as one.
    if (event.key === " " && event.target.matches("a[role=button]")) {
      event.preventDefault();
      event.target.click();
    }
  });

  // ---- switches: the theme changes at once, the server is told behind it -------------------------

  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.dataset.switch !== "theme" || !event.submitter) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    fetch(form.action, { method: "POST", body: new FormData(form, event.submitter), redirect: "manual" });
    document.documentElement.dataset.theme = event.submitter.value;
    document.dispatchEvent(new Event("abah:theme"));
    form.querySelectorAll("button").forEach(function (button) {
      button.setAttribute("aria-pressed", String(button === event.submitter));
    });
  }, true);
})();
