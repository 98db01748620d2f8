#!/usr/bin/python3
# Prints a page as WebKitGTK prints it: `print.py ADDRESS FILE.pdf`. WebKitWebDriver has no command for it, and a window
# that it steers leaves print() out; so this is a window of its own, whose page calls print() as soon as all is there.
# Paper is A4 with the margins that GTK's dialog begins with.
import sys
from pathlib import Path

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import Gtk, WebKit2  # noqa: E402

ASKS = """addEventListener("load", function ask() {
    document.querySelector("[aria-busy], .loading") ? requestAnimationFrame(ask) : print();
});"""
address, file = sys.argv[1], Path(sys.argv[2]).absolute()
outcome = ["the window was closed"]


def end(problem):
    outcome[0] = problem
    Gtk.main_quit()


def to_file(_, operation):
    settings, sheet = Gtk.PrintSettings(), Gtk.PageSetup()
    settings.set_printer("Print to File")
    settings.set(Gtk.PRINT_SETTINGS_OUTPUT_FILE_FORMAT, "pdf")
    settings.set(Gtk.PRINT_SETTINGS_OUTPUT_URI, file.as_uri())
    sheet.set_paper_size(Gtk.PaperSize.new(Gtk.PAPER_NAME_A4))
    operation.set_print_settings(settings)
    operation.set_page_setup(sheet)
    operation.connect("failed", lambda _, error: end(error.message))
    operation.connect("finished", lambda _: end(None))
    operation.print_()
    to_file.operation = operation  # it would be collected before it has finished
    return True


view = WebKit2.WebView(web_context=WebKit2.WebContext.new_ephemeral())
when, frames = WebKit2.UserScriptInjectionTime.START, WebKit2.UserContentInjectedFrames.TOP_FRAME
view.get_user_content_manager().add_script(WebKit2.UserScript.new(ASKS, frames, when, None, None))
view.connect("print", to_file)
window = Gtk.Window(default_width=1280, default_height=900)
window.add(view)
window.show_all()
view.load_uri(address)
Gtk.main()
sys.exit(outcome[0])
