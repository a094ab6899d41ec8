/**
 * What is otherwise where there is little room, or where the user has chosen the colours: the last, to
 * overrule the rest.
 */
export const adapted = `
@container (max-width: 440px) {
  .state {
    flex-basis: 100%;
    margin: 0;
  }

  .rows > li {
    grid-template-columns: minmax(0, 1fr);
  }

  button {
    min-height: 34px;
  }
}

@media (forced-colors: active) {
  .dot, .bar rect, .stages li::before {
    forced-color-adjust: none;
  }

  .attempt {
    border-left-color: CanvasText;
  }
}
`;
