/* The scalar of the numerics: float in the program, double in the second build that the gradient tests run.
 *
 * Everything in num/, model/ and train/optimizer/, and every vector that a source gives, is written in `real`.
 * -DREFFRAME_DOUBLE selects double.
 */
#ifndef REFFRAME_NUM_REAL_H
#define REFFRAME_NUM_REAL_H

#ifdef REFFRAME_DOUBLE
typedef double real;
#define REAL_NAME    "float64"
#define REAL_EPSILON 2.220446049250313e-16
#define REAL_HIGHEST 1.7976931348623157e308
#else
typedef float real;
#define REAL_NAME    "float32"
#define REAL_EPSILON 1.1920929e-07f
#define REAL_HIGHEST 3.40282347e38f
#endif

#endif
