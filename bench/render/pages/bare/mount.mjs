export function mount({ start }) {
  const element = document.querySelector('#app').appendChild(document.createElement('p'));
  const lastId = Number(new URLSearchParams(location.search).get('lastId'));
  start(lastId, (text) => {
    element.textContent = text;
  });
}
