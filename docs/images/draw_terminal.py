"""Draws text as a terminal shows it; runs in the window's environment.

Usage: python draw_terminal.py FILE < TEXT
"""

import sys

from PySide6.QtGui import QColor, QFont, QFontMetrics, QGuiApplication, QImage, QPainter

MARGIN = 14
BACKGROUND, TEXT, TYPED = "#101418", "#d0d4d8", "#60e080"


def draw(lines):
    font = QFont("DejaVu Sans Mono")
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setPixelSize(15)
    metrics = QFontMetrics(font)
    width = max(metrics.horizontalAdvance(line) for line in lines)
    height = metrics.lineSpacing() * len(lines)
    image = QImage(width + 2 * MARGIN, height + 2 * MARGIN, QImage.Format.Format_RGB32)
    image.fill(QColor(BACKGROUND))
    painter = QPainter(image)
    painter.setFont(font)
    for number, line in enumerate(lines):
        painter.setPen(QColor(TYPED if line.startswith("$ ") else TEXT))
        y = MARGIN + metrics.ascent() + number * metrics.lineSpacing()
        painter.drawText(MARGIN, y, line)
    painter.end()
    return image


if __name__ == "__main__":
    application = QGuiApplication(sys.argv[:1])
    assert draw(sys.stdin.read().splitlines()).save(sys.argv[1])
