// Starts Swagger UI on the API page. Everything it reads comes from this server.
window.addEventListener("load", () => {
  const target = document.querySelector("#swagger-ui");
  window.SwaggerUIBundle({
    url: target.dataset.url,
    domNode: target,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    validatorUrl: null, // the default would ask a host outside
    syntaxHighlight: false,
  });
});
