// Starts Swagger UI on the API page, in the page's theme. Everything it reads
// comes from this server.
window.addEventListener("load", () => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => root.classList.toggle("dark-mode", root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  follow();
  system.addEventListener("change", follow);
  new MutationObserver(follow).observe(root, { attributes: true, attributeFilter: ["data-theme"] });

  const target = document.querySelector("#swagger-ui");
  window.SwaggerUIBundle({
    url: target.dataset.url,
    domNode: target,
    deepLinking: false, // its links stand inside buttons, which screen readers cannot tell apart
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    validatorUrl: null, // the default would ask a host outside
    syntaxHighlight: false,
    requestInterceptor: (request) => {
      const csrf = document.querySelector('meta[name="csrf"]')?.content;
      if (csrf) request.headers["X-CSRF-Token"] = csrf;
      return request;
    },
  });
});
