from django.db.models import BooleanField, Func


class Among(Func):
    """`key = ANY (array)`: the array is made first, and each of its keys looked up."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY ("
    output_field = BooleanField()
