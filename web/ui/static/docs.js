// Starts Swagger UI on the API page. Everything it reads comes from this server.
window.addEventListener("load", () => {
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
