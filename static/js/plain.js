// Only browsers too old for modules run this: it turns the form into one that needs no script. So it is old script itself.
(function () {
  var form = document.getElementById("form");
  var link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = form.getAttribute("data-plain");
  document.head.appendChild(link);
})();
