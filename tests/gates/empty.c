/* SPDX-License-Identifier: MIT */
/* What any program costs: the measure of the gates. */
int
main(void)
{
    return 0;
}
