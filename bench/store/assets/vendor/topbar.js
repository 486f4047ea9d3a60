let current = {}
export const topbar = {
  config(options) { current = {...current, ...options} },
  show() { document.body.dataset.loading = JSON.stringify(current) },
  hide() { delete document.body.dataset.loading }
}
