import board

from bracelet import app

app.main(board)
