// The contrast of an element's text with the ground it stands on, as WCAG 2.2 counts it.
(element) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const channel = (value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const luminance = (color) => {
    const [r, g, b] = rgba(color);
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  };
  let ground = element;
  let color = "transparent";
  while (ground && rgba(color)[3] === 0) {
    color = getComputedStyle(ground).backgroundColor;
    ground = ground.parentElement;
  }
  const [a, b] = [luminance(getComputedStyle(element).color), luminance(color)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}
